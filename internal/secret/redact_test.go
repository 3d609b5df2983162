package secret_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/fly-placer/fly-placer/internal/secret"
)

func TestExcerptMakesForeignWordsHarmless(t *testing.T) {
	token := secret.New(first + "," + second)
	for name, c := range map[string]struct {
		text  string
		limit int
		want  string
	}{
		"nothing":                       {"", 10, ""},
		"plain words":                   {"app not found", 13, "app not found"},
		"lines":                         {" a\r\n\tb\u00a0 c\u2028d\n", 99, "a b c d"},
		"a workflow command":            {"x\n::error::y", 99, "x ::error::y"},
		"colours":                       {"\x1b[31mred\x1b[0m\x00", 99, "[31mred[0m"},
		"text that runs backwards":      {"\u202egnol\u2069\u200b", 99, "gnol"},
		"bytes that are no text":        {"a\xff\xc3b", 99, "ab"},
		"too long":                      {"abcdef", 5, "abcd…"},
		"long in bytes only":            {"äöüßé", 5, "äöüßé"},
		"cut between characters":        {"äöüßéä", 5, "äöüß…"},
		"a token":                       {"bad " + first + "!", 99, "bad [redacted]!"},
		"a token with invisible breaks": {"bad " + first[:9] + "\u200b" + first[9:] + "\x00!", 99, "bad [redacted]!"},
		"a token at the cut":            {"bad " + first, 16, "bad [redacted]"},
		"a mask at the cut":             {"bad " + first, 8, "bad [re…"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := secret.Excerpt(c.text, c.limit, token); got != c.want {
				t.Errorf("Excerpt(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
			}
		})
	}
}

func FuzzExcerpt(f *testing.F) {
	f.Add("bad \x1b[31m"+first+"\u200b\n", 20)
	f.Add(strings.Repeat("ä \xff", 50), 7)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if limit < 1 {
			return
		}
		got := secret.Excerpt(text, limit, secret.New(first))
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > limit || strings.Contains(got, "  ") || strings.Contains(got, first) ||
			strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("Excerpt(%q, %d) = %q", text, limit, got)
		}
	})
}
