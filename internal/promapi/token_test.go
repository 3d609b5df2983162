package promapi_test

import (
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/promapi"
)

func TestSchemeFollowsThePrefixOfTheToken(t *testing.T) {
	for _, c := range []struct{ name, token, want string }{
		{"a bare macaroon", "fm2_abc", "FlyV1 fm2_abc"},
		{"an old macaroon", "fm1r_abc", "FlyV1 fm1r_abc"},
		{"an old attenuated macaroon", "fm1a_abc", "FlyV1 fm1a_abc"},
		{"as flyctl prints it", "FlyV1 fm2_abc", "FlyV1 fm2_abc"},
		{"several macaroons", "FlyV1 fm2_a,fm2_b", "FlyV1 fm2_a,fm2_b"},
		{"several bare macaroons", "fm2_a,fm2_b", "FlyV1 fm2_a,fm2_b"},
		{"a macaroon after another token", "abc,fm2_b", "FlyV1 abc,fm2_b"},
		{"Bearer before a macaroon", "Bearer fm2_abc", "FlyV1 fm2_abc"},
		{"Bearer before the scheme", "Bearer FlyV1 fm2_abc", "FlyV1 fm2_abc"},
		{"the scheme twice", "FlyV1 FlyV1 fm2_abc", "FlyV1 fm2_abc"},
		{"the scheme in other letters", "flyv1 fm2_abc", "FlyV1 fm2_abc"},
		{"an unknown token under FlyV1", "FlyV1 abc", "FlyV1 abc"},
		{"an auth token", "abc", "Bearer abc"},
		{"an auth token with its scheme", "Bearer abc", "Bearer abc"},
		{"blanks after the commas", "FlyV1 fm2_a, fm2_b", "FlyV1 fm2_a,fm2_b"},
		{"white space around", " \tFlyV1  fm2_abc\r\n", "FlyV1 fm2_abc"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := promapi.Scheme(c.token)
			if err != nil || got != c.want {
				t.Errorf("Scheme(%q) = %q, %v; want %q", c.token, got, err, c.want)
			}
		})
	}
}

func TestSchemeRefusesWhatNoTokenHas(t *testing.T) {
	for _, token := range []string{
		"", " \n", "FlyV1", "FlyV1 ", "Bearer ", "Bearer FlyV1", "fm2_secret fm2_secret", "fm2_secret\nfm2_secret",
		"fm2_secret,\nfm2_secret", "fm2_secret,,fm2_secret", "fm2_", "Basic secret", "fm2_secret\x00", "fm2_secret\u00a0fm2_secret", "\u201cfm2_secret\u201d",
	} {
		header, err := promapi.Scheme(token)
		if err == nil {
			t.Errorf("Scheme(%q) = %q, want an error", token, header)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("Scheme(%q): the error repeats the token: %v", token, err)
		}
		if len(hint.Of(err)) == 0 {
			t.Errorf("Scheme(%q): %v: no next step", token, err)
		}
	}
}

func FuzzScheme(f *testing.F) {
	for _, token := range []string{"fm2_a", "FlyV1 fm2_a,fm2_b", "Bearer FlyV1 x", "a b", "\n", "Bearer  "} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		header, err := promapi.Scheme(token)
		if (header == "") == (err == nil) {
			t.Fatalf("Scheme(%q) = %q, %v: want a header or an error", token, header, err)
		}
		if err != nil {
			return
		}
		scheme, rest, _ := strings.Cut(header, " ")
		if scheme != "FlyV1" && scheme != "Bearer" || rest == "" || strings.ContainsAny(rest, " \r\n\t") {
			t.Fatalf("Scheme(%q) = %q", token, header)
		}
		if again, err := promapi.Scheme(header); err != nil || again != header {
			t.Fatalf("Scheme(%q) = %q, %v: want itself", header, again, err)
		}
	})
}
