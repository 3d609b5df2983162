package apply

import (
	"cmp"

	"github.com/fly-placer/fly-placer/internal/fleet"
)

// Unfinished returns the digests of the decisions whose runs did not end, by the
// IDs of the Machines that they marked.
func Unfinished(app fleet.App) map[string]string {
	found := map[string]string{}
	for _, f := range app.Machines {
		m := Machine{Machine: f}
		if digest := cmp.Or(m.mark(keyRetire), m.mark(keyDecision)); digest != "" {
			found[m.ID] = digest
		}
	}
	return found
}
