package fleet

import "slices"

// Releases lists the releases that the group's Machines run, each once, sorted.
// A decision is not applied to a group of several.
func (g Group) Releases() []string {
	var out []string
	for _, m := range g.Machines {
		if v := m.metadata(keyRelease); v != "" {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
