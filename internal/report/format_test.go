package report

import "testing"

func TestNumbersReadTheSameEverywhere(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{millis(0), "0.0"},
		{millis(6.14), "6.1"},
		{millis(9.949), "9.9"},
		{millis(9.96), "10"},
		{millis(142.4), "142"},
		{millis(1204), "1,204"},
		{millis(-0.01), "0.0"},
		{millis(-74.2), "−74"},
		{percent(0), "0%"},
		{percent(0.0004), "under 0.1%"},
		{percent(0.004), "0.4%"},
		{percent(0.344), "34%"},
		{percent(1), "100%"},
		{amount(312), "312"},
		{count(45_200, "request is", "requests are"), "45,200 requests are"},
		{amount(45_200), "45,200"},
		{amount(999_600), "1 million"},
		{amount(7_885_714), "7.9 million"},
		{amount(2.1e9), "2.1 billion"},
		{decimal(0.336), "0.34"},
		{decimal(20), "20"},
		{decimal(1.62), "1.6"},
		{decimal(1240), "1,240"},
		{gap(0), "0%"},
		{gap(0.0056), "0.56%"},
		{gap(0.0000012), "0.00012%"},
		{step("61", "61"), "61"},
		{step("142", "61"), "142 → 61"},
		{machines(where{"iad": 3, "ams": 2, "ord": 0}), "ams 2, iad 3"},
		{machines(nil), "none"},
		{and([]string{"a", "b", "c"}), "a, b and c"},
		{count(1, "Machine", "Machines"), "1 Machine"},
		{bar(0.29, 0.29), "██████████"},
		{bar(0.00001, 0.29), "▏"},
		{bar(0, 0), ""},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
