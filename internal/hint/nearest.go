package hint

import "strings"

// Nearest returns the known word that was most likely meant by word: the most
// similar of those that Similar accepts, ties to the earlier one. Case does not
// count, nor whether words are joined by hyphens, underscores or blanks.
func Nearest(word string, known []string) (string, bool) {
	plain := func(s string) string {
		return strings.Trim(strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(s)), "-")
	}
	best, least := "", -1
	for _, name := range known {
		if d, ok := Similar(plain(word), plain(name)); ok && (least < 0 || d < least) {
			best, least = name, d
		}
	}
	return best, least >= 0
}

// Similar tells whether word may be a slip for known, and how many letters are
// to insert, delete, replace, or swap with their neighbour, to turn the one
// into the other. A quarter of the letters of known may differ, three at most;
// words of one or two letters must be as they are.
func Similar(word, known string) (distance int, ok bool) {
	a, b := []rune(word), []rune(known)
	allowed := min(3, (len(b)+1)/4)
	if len(a) > len(b)+allowed || len(b) > len(a)+allowed {
		return 0, false // before the work: word may be long
	}
	d := alignment(a, b)
	return d, d <= allowed && d < len(a)
}

// alignment is the optimal string alignment distance: that of Levenshtein, with
// swapped neighbours counting as one.
func alignment(s, t []rune) int {
	before, prev, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range s {
		row[0] = i + 1
		for j := range t {
			replace := prev[j]
			if s[i] != t[j] {
				replace++
			}
			row[j+1] = min(replace, prev[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(t)]
}
