package doc

import (
	"strings"
	"unicode"
)

// wrap breaks pieces into lines of at most width columns. A word that is wider
// than a line goes on in the next one.
func wrap(pieces []piece, width int) [][]piece {
	width = max(width, 1)
	var lines [][]piece
	var line []piece
	used := 0
	for _, p := range terminalSafe(pieces) {
		w := wordColumns(p.word)
		gap := 0
		if p.space && len(line) > 0 {
			gap = 1
		}
		if len(line) > 0 && used+gap+w > width {
			lines, line, used, gap = append(lines, line), nil, 0, 0
		}
		for w > width {
			head, tail := breakWord(p.word, width)
			lines = append(lines, []piece{{word: head, style: p.style}})
			p.word = tail
			w = wordColumns(tail)
		}
		line = append(line, p)
		used += gap + w
	}
	if len(line) > 0 {
		lines = append(lines, line)
	}
	return lines
}

// drawn are the pieces of a Text as a terminal shows them. Code of several
// words stands between backticks, or nobody could tell where it ends.
func (t Text) drawn() []piece {
	pieces := t.pieces()
	for i := 0; i < len(pieces); {
		end := i + 1
		for pieces[i].style == Code && end < len(pieces) && pieces[end].style == Code {
			end++
		}
		if end-i > 1 {
			pieces[i].word = "`" + pieces[i].word
			pieces[end-1].word += "`"
		}
		i = end
	}
	return pieces
}

func breakWord(w string, width int) (head, tail string) {
	used := 0
	for i, r := range w {
		if c := runeColumns(r); used+c > width && i > 0 {
			return w[:i], w[i:]
		} else {
			used += c
		}
	}
	return w, ""
}

// terminalSafe takes the meaning from what a GitHub runner reads as a command
// in a log: "::" at the start of a line and "##[" anywhere in it
// (actions/runner, ActionCommand.cs). As any word may come to start a line,
// colons never stand side by side.
func terminalSafe(pieces []piece) []piece {
	out := make([]piece, len(pieces))
	for i, p := range pieces {
		p.word = apart(apart(p.word, "::", ": :"), "##[", "## [")
		if i > 0 && (strings.HasSuffix(out[i-1].word, ":") || strings.HasSuffix(out[i-1].word, "#")) {
			p.space = true
		}
		out[i] = p
	}
	return out
}

func apart(s, old, replacement string) string {
	for strings.Contains(s, old) {
		s = strings.ReplaceAll(s, old, replacement)
	}
	return s
}

// columns is the width of pieces on one line.
func columns(pieces []piece) int {
	n := 0
	for i, p := range terminalSafe(pieces) {
		if p.space && i > 0 {
			n++
		}
		n += wordColumns(p.word)
	}
	return n
}

func wordColumns(w string) int {
	n := 0
	for _, r := range w {
		n += runeColumns(r)
	}
	return n
}

// wide are the characters that take two columns, by block (Unicode Standard
// Annex 11, the ranges that are wide as a whole).
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1},
		{Lo: 0x2e80, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1},
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1},
		{Lo: 0xff00, Hi: 0xff60, Stride: 1},
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0x1f300, Hi: 0x1faff, Stride: 1}, {Lo: 0x20000, Hi: 0x3fffd, Stride: 1}},
}

func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}
