package hint_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
)

func TestNearest(t *testing.T) {
	known := []string{"window", "min-regions", "max-regions", "max-machines", "org", "no"}
	for word, want := range map[string]string{
		"windwo":      "window", // a swap is one slip
		"MAX_Regions": "max-regions",
		"max region":  "max-regions",
		"mox-regions": "max-regions",
		"mix-regions": "min-regions", // as near to max-regions, which is later
		"ogr":         "org",
		"on":          "", // two letters: only as they are
		"o":           "",
		"":            "",
		"wndw":        "",
		"frobnicate":  "",
		"wíndow":      "window", // letters, not bytes
	} {
		got, ok := hint.Nearest(word, known)
		if got != want || ok != (want != "") {
			t.Errorf("Nearest(%q) = %q, %v; want %q", word, got, ok, want)
		}
	}
	if got, ok := hint.Nearest("window", nil); got != "" || ok {
		t.Errorf("nothing is known, but %q is meant", got)
	}
}

func TestSimilarCountsTheSlips(t *testing.T) {
	for _, test := range []struct {
		word, known string
		want        int
		ok          bool
	}{
		{"london", "london", 0, true},
		{"lodnon", "london", 1, true},
		{"lndon", "london", 1, true},
		{"londonn", "london", 1, true},
		{"lodnen", "london", 2, false},
		{"fransfurd", "frankfurt", 2, true},
		{"iad", "iad", 0, true},
		{"iat", "iad", 1, true},
		{"uk", "us", 1, false},
	} {
		d, ok := hint.Similar(test.word, test.known)
		if ok != test.ok || ok && d != test.want {
			t.Errorf("Similar(%q, %q) = %d, %v; want %d, %v", test.word, test.known, d, ok, test.want, test.ok)
		}
	}
}

func TestNearestIsQuickForWhatNobodyMeans(t *testing.T) {
	start := time.Now()
	if got, ok := hint.Nearest(strings.Repeat("window", 1<<17), []string{"window", strings.Repeat("w", 1<<17)}); ok {
		t.Errorf("meant is %.20q", got)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}
