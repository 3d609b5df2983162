package doc

import (
	"fmt"
	"strings"
	"unicode"
)

// Clean returns s on one line: runs of white space and line breaks become one
// space, and characters that are invisible or change the direction of text are
// shown as escapes, "\u202e". It does not escape for any markup.
func Clean(s string) string { return strings.Join(words(s), " ") }

// words splits s at white space and shows what is invisible.
func words(s string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(s, unicode.IsSpace) {
		out = append(out, visible(w))
	}
	return out
}

// invisible are the characters that nobody sees, or that make others look
// different: controls, format characters (bidirectional marks, zero-width
// ones, tags), variation selectors, private use, and blanks that are letters.
var invisible = []*unicode.RangeTable{
	unicode.C, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point,
	{R16: []unicode.Range16{{Lo: 0x2800, Hi: 0x2800, Stride: 1}}},
}

func visible(w string) string {
	if !strings.ContainsFunc(w, hidden) {
		return w
	}
	var b strings.Builder
	for _, r := range w {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// hidden is also true for the replacement character, which stands for bytes
// that are no UTF-8.
func hidden(r rune) bool {
	if r > ' ' && r < unicode.MaxASCII {
		return false
	}
	return r == unicode.ReplacementChar || unicode.In(r, invisible...)
}

// A piece is a word of a Text, or the part of a word that has one style.
type piece struct {
	word  string
	style Style
	url   string
	// space tells that white space comes before it.
	space bool
}

// pieces cleans a Text and splits it into words. A word that runs through
// several spans comes in several pieces.
func (t Text) pieces() []piece {
	var out []piece
	space := false
	for _, s := range t {
		ws := words(s.Text)
		if len(ws) == 0 {
			space = space || s.Text != ""
			continue
		}
		space = space || startsWithSpace(s.Text)
		for i, w := range ws {
			out = append(out, piece{word: w, style: s.Style, url: s.URL, space: len(out) > 0 && (space || i > 0)})
		}
		space = endsWithSpace(s.Text)
	}
	return out
}

func startsWithSpace(s string) bool { return strings.TrimLeftFunc(s, unicode.IsSpace) != s }
func endsWithSpace(s string) bool   { return strings.TrimRightFunc(s, unicode.IsSpace) != s }
