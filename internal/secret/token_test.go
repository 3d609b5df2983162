package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/secret"
)

const (
	first  = "fm2_lJPECAAAAAAAATQxxBCzQmWnqL9vVgN2"
	second = "fm2_qW0rTyUiOpAsDfGhJkLzXcVbNm123456"
)

func TestATokenIsNeverPrinted(t *testing.T) {
	token := secret.New("FlyV1 " + first + "," + second)
	type exported struct{ Token secret.Token }
	type hidden struct{ token secret.Token }
	type pointed struct{ token *secret.Token }
	values := []any{
		token, &token,
		exported{token},
		&exported{token},
		hidden{token},
		&hidden{token},
		pointed{&token},
		[]secret.Token{token},
		map[string]secret.Token{"token": token},
		map[secret.Token]int{token: 1},
		[]hidden{{token}},
	}
	for _, value := range values {
		var printed bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p"} {
			fmt.Fprintf(&printed, verb+"\n", value)
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
			slog.New(handler).Info("request", "token", value)
		}
		if encoded, err := json.Marshal(value); err == nil {
			printed.Write(encoded)
		}
		for _, part := range token.Parts() {
			for _, form := range []string{part, fmt.Sprintf("%x", part), fmt.Sprintf("%X", part)} {
				if strings.Contains(printed.String(), form) {
					t.Errorf("printing a %T shows the token:\n%s", value, printed.String())
				}
			}
		}
	}
	if got := fmt.Sprint(token); got != "[redacted]" {
		t.Errorf("a token prints as %q", got)
	}
	if got, err := json.Marshal(exported{token}); err != nil || string(got) != `{"Token":"[redacted]"}` {
		t.Errorf("a token encodes as %s, %v", got, err)
	}
}

func TestRevealGivesTheTextWithoutTheBlanksAround(t *testing.T) {
	if got := secret.New("  " + first + "\n").Reveal(); got != first {
		t.Errorf("Reveal gives %q", got)
	}
	if !secret.New(" \n").IsZero() || secret.New(" ").Reveal() != "" {
		t.Error("blanks are taken for a token")
	}
	if secret.New(first) != secret.New(first+" ") || secret.New(first).Equal(secret.New(second)) {
		t.Error("tokens do not compare by their text")
	}
}

func TestSchemesThatPeoplePasteAreTakenOff(t *testing.T) {
	for _, pasted := range []string{first, "FlyV1 " + first, "Bearer " + first, "bearer  FlyV1 " + first, "FLYV1\t" + first} {
		token := secret.New(strings.ReplaceAll(pasted, "\t", " "))
		if token.Bare() != first || !token.Macaroon() || token.Validate() != nil {
			t.Errorf("%q: bare %q, macaroon %v, %v", pasted, token.Bare(), token.Macaroon(), token.Validate())
		}
	}
	if secret.New("Bearer user-token").Macaroon() {
		t.Error("a user's token is taken for a macaroon")
	}
}

func TestMacaroonsGoOutAsFlyV1AndOthersAsBearer(t *testing.T) {
	for pasted, want := range map[string]string{
		first:                            "FlyV1 " + first,
		"Bearer " + first:                "FlyV1 " + first,
		"flyv1 " + first + ", " + second: "FlyV1 " + first + "," + second,
		"Bearer FlyV1 user-token":        "FlyV1 user-token",
		"user-token," + first:            "FlyV1 user-token," + first,
		"user-token":                     "Bearer user-token",
		"bearer  user-token\n":           "Bearer user-token",
		"":                               "",
	} {
		if got := secret.New(pasted).Authorization(); got != want {
			t.Errorf("%q goes out as %q, want %q", pasted, got, want)
		}
	}
}

func TestValidateNamesWhatIsWrongAndNotTheToken(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"nothing":              {"", "is empty"},
		"only a scheme":        {"FlyV1 ", "only a scheme"},
		"two schemes":          {"Bearer FlyV1", "only a scheme"},
		"an empty part":        {first + ",," + second, "empty part"},
		"a comma at the end":   {first + ",", "empty part"},
		"a prefix alone":       {"fm2_", "empty part"},
		"cut by a line break":  {first[:20] + "\n" + first[20:], "line breaks"},
		"cut by a blank":       {first[:20] + " " + first[20:], "blank inside"},
		"quotation marks":      {"“" + first + "”", "characters that no token has"},
		"an unknown scheme":    {"Token " + first, "blank inside"},
		"a carriage return":    {"FlyV1 " + first[:9] + "\r" + first[9:], "line breaks"},
		"an ellipsis as shown": {first + "…", "characters that no token has"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := secret.New(test.text).Validate()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), first[4:12]) {
				t.Errorf("the error repeats the token: %v", err)
			}
		})
	}
	for _, text := range []string{first, "FlyV1 " + first + ", " + second, first + ",user_token", "a"} {
		if err := secret.New(text).Validate(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPartsAreEverythingThatMustBeMasked(t *testing.T) {
	whole := "FlyV1 " + first + "," + second
	got := secret.New(whole).Parts()
	want := []string{whole, first + "," + second, first, second, first[4:], second[4:]}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := secret.New("user").Parts(); !slices.Equal(got, []string{"user"}) {
		t.Errorf("a short token has the parts %q", got)
	}
	if got := secret.New("x,y").Parts(); !slices.Equal(got, []string{"x,y"}) {
		t.Errorf("pieces that are found in any word are parts: %q", got)
	}
	if got := secret.New("").Parts(); got != nil {
		t.Errorf("no token has the parts %q", got)
	}
}

func TestRedact(t *testing.T) {
	token := secret.New("FlyV1 " + first + "," + second)
	tests := map[string]struct{ text, want string }{
		"nothing secret":       {"app not found", "app not found"},
		"the whole":            {"sent FlyV1 " + first + "," + second + " to", "sent [redacted] to"},
		"one piece":            {"bad macaroon " + second + ".", "bad macaroon [redacted]."},
		"without the prefix":   {"bad " + first[4:] + "!", "bad [redacted]!"},
		"the first half":       {"token " + first[:18] + "...", "token [redacted]..."},
		"the last half":        {"token ..." + second[len(second)-14:] + " expired", "token ...[redacted] expired"},
		"twice":                {first + " " + first, "[redacted] [redacted]"},
		"someone else's":       {"see fm2_AAAABBBB== and fo1_x-y", "see [redacted] and [redacted]"},
		"a prefix in a word":   {"xfm2_abc", "xfm2_abc"},
		"letters beyond ASCII": {"é" + first + "é", "é[redacted]é"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := secret.Redact(test.text, secret.Token{}, token); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	// Masked, these would shred every message, and Mask itself the second time.
	for _, short := range []string{"a", "red", "redacte"} {
		const text = "red a [redacted]"
		if got := secret.Redact(text, secret.New(short)); got != text {
			t.Errorf("%q is looked for in ordinary words: %q", short, got)
		}
	}
	if got := secret.Redact("say abcdefgh", secret.New("abcdefgh")); got != "say [redacted]" {
		t.Errorf("a token of 8 characters stays: %q", got)
	}
}

func FuzzRedactLeavesNoPart(f *testing.F) {
	f.Add("FlyV1 "+first+","+second, "a ", " b")
	f.Add("aXaXaXaX", "aX", "X")
	f.Add("short", "a", "b")
	f.Add("Bearer  x,,fm2_", "fm2_", "fm2_fm2_")
	f.Fuzz(func(t *testing.T, text, before, after string) {
		token := secret.New(text)
		for _, part := range token.Parts() {
			if strings.Contains(secret.Mask, part) || len(part) < 8 {
				continue
			}
			redacted := secret.Redact(before+part+after, token)
			for piece := range strings.SplitSeq(redacted, secret.Mask) {
				if strings.Contains(piece, part) {
					t.Fatalf("redacting %q of %q leaves %q", part, text, redacted)
				}
			}
		}
	})
}
