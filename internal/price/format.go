package price

import (
	"math"
	"strconv"
	"strings"
)

// Format writes an amount for people, in cents: "$1,234.50", "−$3.00". The
// minus sign is U+2212, and what rounds to zero has none.
func Format(usd float64) string {
	s, sign := cents(usd)
	if sign < 0 {
		return "−" + s
	}
	return s
}

// FormatDelta writes what an amount changes by: as Format does, with a plus
// sign before what is more than zero, "+$6.64".
func FormatDelta(usd float64) string {
	s, sign := cents(usd)
	switch {
	case sign < 0:
		return "−" + s
	case sign > 0:
		return "+" + s
	}
	return s
}

// cents writes an amount without its sign, and tells the sign of what it
// reads: 0 for less than half a cent, and for what is no number.
func cents(usd float64) (s string, sign int) {
	s = strconv.FormatFloat(math.Abs(usd), 'f', 2, 64)
	switch {
	case s == "0.00":
	case usd < 0:
		sign = -1
	case usd > 0:
		sign = 1
	}
	whole, rest, isNumber := strings.Cut(s, ".")
	if !isNumber { // NaN, Inf
		return "$" + strings.TrimPrefix(s, "+"), sign
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return "$" + whole + "." + rest, sign
}
