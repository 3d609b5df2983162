package fleet_test

import (
	"slices"
	"testing"

	"github.com/fly-placer/fly-placer/internal/fleet"
)

func TestReleasesAreListedOnce(t *testing.T) {
	of := func(release string) fleet.Machine {
		m := fleet.Machine{Config: &fleet.Config{Metadata: map[string]string{"fly_release_version": release}}}
		if release == "" {
			m.Config.Metadata = nil
		}
		return m
	}
	g := fleet.Group{Machines: []fleet.Machine{of("8"), of("7"), of(""), of("8"), {Incomplete: map[string]string{"fly_release_version": "6"}}}}
	if got := g.Releases(); !slices.Equal(got, []string{"6", "7", "8"}) {
		t.Errorf("%q", got)
	}
	if got := (fleet.Group{}).Releases(); len(got) != 0 {
		t.Errorf("%q of no Machines", got)
	}
}
