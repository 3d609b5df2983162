package decision

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/fly-placer/fly-placer/internal/region"
)

// Encode writes the decision file: the same bytes for the same decision, and
// Parse reads from them what was given. It fails for what Parse would refuse.
func Encode(d Decision) ([]byte, error) {
	text := "# " + Path(d.App) + ": written by fly-placer, reviewed like code; edit `placement` to decide otherwise\n" + document(d, true)
	_, err := Parse("decision", []byte(text), region.Catalog{})
	if err != nil {
		return nil, fmt.Errorf("write decision for %s: %w", d.App, err)
	}
	return []byte(text), nil
}

// document writes the YAML of a decision, with comments for people if they are
// to edit it.
func document(d Decision, comments bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: %d\napp: %s\ngroups:\n", d.Version, scalar(d.App))
	for _, name := range slices.Sorted(maps.Keys(d.Groups)) {
		g := d.Groups[name]
		lines := [][2]string{{"    placement: " + flow(g.Placement), "what should run"}}
		if g.Assumes != nil {
			lines = append(lines, [2]string{"    assumes: " + flow(g.Assumes), "what ran when this was decided"})
		}
		width := 0
		for _, line := range lines {
			width = max(width, len(line[0]))
		}
		fmt.Fprintf(&b, "  %s:\n", scalar(name))
		for _, line := range lines {
			if comments {
				line[0] = fmt.Sprintf("%-*s   # %s", width, line[0], line[1])
			}
			b.WriteString(line[0] + "\n")
		}
	}
	if !d.DecidedAt.IsZero() {
		b.WriteString("decided_at: " + d.DecidedAt.UTC().Format(time.RFC3339) + "\n")
	}
	if d.Digest != "" {
		b.WriteString("digest: " + d.Digest)
		if comments {
			b.WriteString("   # SHA-256 of the RFC 8785 JSON of {version, app, groups}")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// flow writes counts on one line, by region.
func flow(counts map[region.Code]int) string {
	var parts []string
	counts = counted(counts)
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, scalar(string(code))+": "+strconv.Itoa(counts[code]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// scalar writes a name so that YAML reads it as text: "no" and "12" in quotes.
func scalar(name string) string {
	text, err := yaml.Marshal(name)
	if err != nil {
		return strconv.Quote(name)
	}
	return strings.TrimSuffix(string(text), "\n")
}
