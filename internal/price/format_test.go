package price_test

import (
	"math"
	"testing"

	"github.com/fly-placer/fly-placer/internal/price"
)

func TestFormat(t *testing.T) {
	for _, test := range []struct {
		usd           float64
		amount, delta string
	}{
		{0, "$0.00", "$0.00"},
		{0.004, "$0.00", "$0.00"},
		{-0.004, "$0.00", "$0.00"},
		{0.005000001, "$0.01", "+$0.01"},
		{6.64, "$6.64", "+$6.64"},
		{-27.96, "−$27.96", "−$27.96"},
		{999.999, "$1,000.00", "+$1,000.00"},
		{1234.5, "$1,234.50", "+$1,234.50"},
		{-1234567.891, "−$1,234,567.89", "−$1,234,567.89"},
		{math.NaN(), "$NaN", "$NaN"},
		{math.Inf(-1), "−$Inf", "−$Inf"},
	} {
		if got := price.Format(test.usd); got != test.amount {
			t.Errorf("Format(%v) = %q, want %q", test.usd, got, test.amount)
		}
		if got := price.FormatDelta(test.usd); got != test.delta {
			t.Errorf("FormatDelta(%v) = %q, want %q", test.usd, got, test.delta)
		}
	}
}
