package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fly-placer/fly-placer/internal/region"
)

// millis formats milliseconds without the unit: "6.1" below 10, else "142".
func millis(ms float64) string {
	if math.Abs(ms) < 9.95 {
		return minus(strconv.FormatFloat(ms, 'f', 1, 64))
	}
	return minus(group(strconv.FormatFloat(ms, 'f', 0, 64)))
}

// percent formats a share: "34%", "0.4%", "under 0.1%".
func percent(share float64) string {
	switch p := share * 100; {
	case p > 0 && p < 0.05:
		return "under 0.1%"
	case p > 0 && p < 0.95:
		return strconv.FormatFloat(p, 'f', 1, 64) + "%"
	default:
		return minus(group(strconv.FormatFloat(p, 'f', 0, 64))) + "%"
	}
}

// amount formats a count that may be large: "312", "45,200", "7.9 million".
func amount(n float64) string {
	switch {
	case n >= 999.95e6:
		return decimal(n/1e9) + " billion"
	case n >= 999.5e3:
		return decimal(n/1e6) + " million"
	}
	return group(strconv.FormatFloat(n, 'f', 0, 64))
}

// decimal formats a number with at most three significant digits after which
// nothing but a whole part is left: "0.34", "1.6", "41", "1,240".
func decimal(n float64) string {
	digits := 0
	switch a := math.Abs(n); {
	case a < 0.995:
		digits = 2
	case a < 99.5:
		digits = 1
	}
	s := strconv.FormatFloat(n, 'f', digits, 64)
	if digits > 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return minus(group(s))
}

// group puts commas between thousands of the whole part.
func group(s string) string {
	whole, rest := s, ""
	if i := strings.IndexByte(s, '.'); i >= 0 {
		whole, rest = s[:i], s[i:]
	}
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0 && digits(whole); i -= 3 {
		rest = "," + whole[i:] + rest
		whole = whole[:i]
	}
	return sign + whole + rest
}

// digits is false for "NaN" and "Inf".
func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// minus sets a real minus sign, and none before a zero.
func minus(s string) string {
	if !strings.HasPrefix(s, "-") {
		return s
	}
	if strings.Trim(s, "-0.") == "" {
		return s[1:]
	}
	return "−" + s[1:]
}

// step shows a figure before and after, once when both read the same:
// "142 → 61".
func step(before, after string) string {
	if before == after {
		return before
	}
	return before + " → " + after
}

// count names a number of things: "1 Machine", "3 Machines".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return group(strconv.Itoa(n)) + " " + many
}

// machines lists a placement: "ams 2, iad 3".
func machines(placement map[region.Code]int) string {
	var out []string
	for _, c := range slices.Sorted(maps.Keys(placement)) {
		if placement[c] != 0 {
			out = append(out, fmt.Sprintf("%s %d", c, placement[c]))
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

func total(placement map[region.Code]int) int {
	n := 0
	for _, k := range placement {
		n += k
	}
	return n
}

// and joins names as in a sentence: "a, b and c".
func and(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// bar draws a share of the largest share, in eighths of a character.
func bar(share, largest float64) string {
	const width = 10
	if !(share > 0 && largest > 0) {
		return ""
	}
	eighths := int(math.Round(min(share/largest, 1) * width * 8))
	s := strings.Repeat("█", eighths/8)
	if eighths%8 > 0 || eighths == 0 {
		s += string([]rune("▏▏▎▍▌▋▊▉")[eighths%8])
	}
	return s
}
