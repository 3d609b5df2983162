package gitsim

import "bytes"

// maxLines bounds the product of lines that Lines compares one by one; beyond it
// everything between the equal ends counts as changed.
const maxLines = 4_000_000

// Lines counts the lines that were added and removed from one text to another.
func Lines(before, after []byte) (added, removed int) {
	a, b := lines(before), lines(after)
	for len(a) > 0 && len(b) > 0 && bytes.Equal(a[0], b[0]) {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && bytes.Equal(a[len(a)-1], b[len(b)-1]) {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	common := 0
	if len(a)*len(b) <= maxLines {
		common = longest(a, b)
	}
	return len(b) - common, len(a) - common
}

// lines splits a text after each line's end.
func lines(data []byte) [][]byte {
	out := bytes.SplitAfter(data, []byte("\n"))
	if len(out[len(out)-1]) == 0 {
		out = out[:len(out)-1]
	}
	return out
}

// longest is the length of the longest common subsequence.
func longest(a, b [][]byte) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			above := row[j+1]
			if bytes.Equal(x, y) {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(row[j+1], row[j])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}
