package config

import (
	"fmt"
	"strings"
)

// nearest returns the name that was most likely meant by text, "" when none is
// close: at most a third of its letters differ. Ties go to the earlier name.
func nearest(text string, names []string) string {
	plain := func(s string) string {
		return strings.Trim(strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(s)), "-")
	}
	best, bestDistance := "", -1
	for _, name := range names {
		d := distance(plain(text), plain(name))
		if d <= max(1, len(name)/3) && d < len(name) && (bestDistance < 0 || d < bestDistance) {
			best, bestDistance = name, d
		}
	}
	return best
}

// didYouMean ends a sentence with the nearest name, where there is one.
func didYouMean(text string, names []string) string {
	if len(text) > 100 { // nobody means an option by that
		return ""
	}
	if name := nearest(text, names); name != "" {
		return fmt.Sprintf("; did you mean %s?", name)
	}
	return ""
}

// distance counts the letters to insert, delete or replace to turn a into b
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// orList writes "a, b or c".
func orList(words []string) string { return joinList(words, " or ") }

// andList writes "a, b and c".
func andList(words []string) string { return joinList(words, " and ") }

func joinList(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + last + words[len(words)-1]
}
