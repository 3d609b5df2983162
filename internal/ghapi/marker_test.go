package ghapi

import (
	"net/url"
	"strings"
	"testing"
)

func TestMarkerKeepsPlainKeysReadable(t *testing.T) {
	for key, want := range map[string]string{
		"plan/shop":         "<!-- fly-placer:v1 key=plan/shop -->",
		"my-app":            "<!-- fly-placer:v1 key=my-app -->",
		"a--b":              "<!-- fly-placer:v1 key=a-%2Db -->",
		"-->":               "<!-- fly-placer:v1 key=%2D-%3E -->",
		"Plan regions shop": "<!-- fly-placer:v1 key=Plan%20regions%20shop -->",
		"é\n":               "<!-- fly-placer:v1 key=%C3%A9%0A -->",
	} {
		if got := marker(key); got != want {
			t.Errorf("marker(%q) = %s, want %s", key, got, want)
		}
	}
}

func TestMarkerIsFoundOnlyOnTheFirstLine(t *testing.T) {
	m := marker("k")
	for _, tc := range []struct {
		body string
		want bool
	}{
		{m, true},
		{m + "\nbody", true},
		{m + "\r\nbody", true},
		{m + "  \nbody", true},
		{"> quoted\n" + m, false},
		{"> " + m + "\nquoted", false},
		{m + " and more", false},
		{marker("k2") + "\nbody", false},
		{"", false},
	} {
		if got := hasMarker(tc.body, "k"); got != tc.want {
			t.Errorf("hasMarker(%q) = %v", tc.body, got)
		}
	}
}

func TestBodiesAreEqualWhateverLineEndsGitHubReturns(t *testing.T) {
	if !sameBody("a\nb\n", "a\r\nb") || !sameBody("a  \n b", "a  \n b \n\n") {
		t.Error("equal bodies seen as different")
	}
	if sameBody("a\nb", "a b") || sameBody("a  \nb", "a\nb") {
		t.Error("different bodies seen as equal: two blanks before a line end are a line break in Markdown")
	}
}

func FuzzMarker(f *testing.F) {
	for _, key := range []string{"plan", "a--b", "-", "-->", "%2D-", "a-", "é", "\x00"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		enc := encodeKey(key)
		if strings.Contains(enc, "--") || strings.ContainsAny(enc, "<> \n\r") || strings.HasPrefix(enc, "-") {
			t.Errorf("encodeKey(%q) = %q can end the HTML comment", key, enc)
		}
		if back, err := url.PathUnescape(enc); err != nil || back != key {
			t.Errorf("encodeKey(%q) = %q stands for %q, %v", key, enc, back, err)
		}
		if !hasMarker(marker(key)+"\nbody", key) {
			t.Errorf("the marker of %q is not found", key)
		}
	})
}
