package nearest

import (
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	names := []string{"max_regions", "min_regions", "edges", "iad", "fra", ""}
	for text, want := range map[string]string{
		"max_region": "max_regions", "Max-Regions": "max_regions", "mix_regions": "max_regions", "edge": "edges",
		"iat": "iad", "xyz": "", "": "", "regions": "", strings.Repeat("max_regions", 10): "",
	} {
		if got := Name(text, names); got != want {
			t.Errorf("Name(%q) = %q, want %q", text, got, want)
		}
	}
}
