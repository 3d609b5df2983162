// Package nearest finds the name that somebody most likely meant.
package nearest

import "strings"

// Name returns the name that was most likely meant by text, "" when none is
// close: at most a third of its letters differ. Hyphens, underscores and
// blanks are alike, and so are upper and lower case. Ties go to the earlier
// name.
func Name(text string, names []string) string {
	if len(text) > 100 { // nobody means a name by that
		return ""
	}
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
