package doc

import (
	"slices"
	"strings"
)

// TerminalOptions say how to draw for a terminal.
type TerminalOptions struct {
	// Width in columns; 0 means 100, and fewer than 40 are taken as 40.
	Width int
	// Folded leaves Details out.
	Folded bool
	// Color allows bold and coloured text by ANSI escape sequences.
	Color bool
}

// ANSI escape sequences (ECMA-48, SGR).
const (
	ansiReset  = "\x1b[0m"
	ansiBold   = "\x1b[1m"
	ansiRed    = "\x1b[1;31m"
	ansiYellow = "\x1b[1;33m"
	ansiDim    = "\x1b[2m"
)

const indent = "  "

// Terminal renders the document, with all its sections, as lines of text.
func Terminal(d Document, opt TerminalOptions) string {
	if opt.Width == 0 {
		opt.Width = 100
	}
	t := terminal{width: max(opt.Width, 40), color: opt.Color, folded: opt.Folded}
	t.write(d.At(Full, Full))
	return t.String()
}

type terminal struct {
	strings.Builder
	width int
	color bool
	// folded leaves Details out.
	folded bool
}

func (t *terminal) write(d Document) {
	if t.folded {
		d = slices.DeleteFunc(slices.Clone(d), func(b Block) bool { _, ok := b.(Details); return ok })
	}
	for i, block := range d {
		if i > 0 && t.gap(d[i-1], block) {
			t.WriteByte('\n')
		}
		switch x := block.(type) {
		case Heading:
			t.paragraph("", x.Text, ansiBold)
		case Paragraph:
			t.paragraph("", x.Text, "")
		case Table:
			t.table(x)
		case List:
			for _, item := range x.Items {
				t.item(item)
			}
		case Points:
			for _, c := range x.Items {
				t.callout(c)
			}
		case Details:
			t.paragraph("", T(x.Title), ansiBold)
			if len(x.Blocks) > 0 {
				if _, headed := x.Blocks[0].(Heading); headed {
					t.WriteByte('\n')
				}
			}
			t.write(x.Blocks)
		case Callout:
			t.callout(x)
		}
	}
}

// gap tells whether an empty line stands between two blocks: a heading stands
// on what it heads, and callouts stand together.
func (t *terminal) gap(before, after Block) bool {
	if called(before) && called(after) {
		return false
	}
	h, ok := before.(Heading)
	return !ok || h.Depth <= 2
}

func called(b Block) bool {
	switch b.(type) {
	case Callout, Points:
		return true
	}
	return false
}

func (t *terminal) callout(c Callout) {
	label, style := "note: ", ansiBold
	switch c.Level {
	case Warning:
		label, style = "warning: ", ansiYellow
	case Error:
		label, style = "error: ", ansiRed
	case Bare:
		label, style = "- ", ""
	case Note:
	}
	lines := wrap(c.Text.drawn(), t.width-len(label))
	for i, line := range lines {
		if i == 0 {
			t.WriteString(t.paint(label, style))
		} else {
			t.WriteString(indent)
		}
		t.line(line, "")
	}
	if len(c.Next) > 0 {
		t.paragraph(indent, c.Next, "")
	}
}

// paragraph writes wrapped text; lines after the first are indented as deep as
// the first word stands.
func (t *terminal) paragraph(prefix string, text Text, style string) {
	for i, line := range wrap(text.drawn(), t.width-len(prefix)) {
		if i == 0 {
			t.WriteString(prefix)
		} else {
			t.WriteString(strings.Repeat(" ", len(prefix)))
		}
		t.line(line, style)
	}
}

// item writes an item of a list. One that is nothing but code stays on one line,
// however long, so that it can be copied.
func (t *terminal) item(text Text) {
	if len(text) > 0 && !slices.ContainsFunc(text, func(s Span) bool { return s.Style != Code }) {
		t.WriteString("- ")
		t.line(terminalSafe(text.pieces()), "")
		return
	}
	t.paragraph("- ", text, "")
}

func (t *terminal) line(pieces []piece, style string) {
	t.WriteString(t.draw(pieces, style))
	t.WriteByte('\n')
}

func (t *terminal) draw(pieces []piece, style string) string {
	var b, run strings.Builder
	var now string
	for i, p := range pieces {
		s := style
		if p.style == Strong {
			s = ansiBold
		}
		if s != now {
			b.WriteString(t.paint(run.String(), now))
			run.Reset()
			now = s
		}
		if p.space && i > 0 {
			run.WriteByte(' ')
		}
		run.WriteString(p.word)
	}
	return b.String() + t.paint(run.String(), now)
}

func (t *terminal) paint(s, style string) string {
	if !t.color || style == "" || s == "" {
		return s
	}
	return style + s + ansiReset
}

const columnGap = 2

func (t *terminal) table(table Table) {
	rows := make([][][]piece, 0, len(table.Rows)+1)
	header := make([]Text, len(table.Columns))
	for i, c := range table.Columns {
		header[i] = T(c.Title)
	}
	for _, row := range append([][]Text{header}, table.Rows...) {
		cells := make([][]piece, len(table.Columns))
		for i := range min(len(row), len(cells)) {
			cells[i] = row[i].drawn()
		}
		rows = append(rows, cells)
	}
	widths := t.widths(rows, len(table.Columns))
	for i, row := range rows {
		style := ""
		if i == 0 {
			style = ansiDim
		}
		t.row(row, widths, table.Columns, style)
	}
}

// widths gives each column what its widest cell needs; while that is too much
// for the line, the widest column gives way.
func (t *terminal) widths(rows [][][]piece, n int) []int {
	widths := make([]int, n)
	total := len(indent) + columnGap*(n-1)
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], columns(row[i]))
		}
		total += widths[i]
	}
	for ; total > t.width; total-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= 1 {
			break
		}
		widths[widest]--
	}
	return widths
}

func (t *terminal) row(cells [][]piece, widths []int, cols []Column, style string) {
	wrapped := make([][][]piece, len(cells))
	height := 0
	for i, cell := range cells {
		wrapped[i] = wrap(cell, widths[i])
		height = max(height, len(wrapped[i]))
	}
	for h := range height {
		var b strings.Builder
		pad := len(indent)
		for i := range cells {
			var line []piece
			if h < len(wrapped[i]) {
				line = wrapped[i][h]
			}
			space := max(0, widths[i]-columns(line))
			if cols[i].Right {
				pad += space
			}
			if len(line) > 0 {
				b.WriteString(strings.Repeat(" ", pad) + t.draw(line, style))
				pad = 0
			}
			if !cols[i].Right {
				pad += space
			}
			pad += columnGap
		}
		t.WriteString(b.String() + "\n")
	}
}
