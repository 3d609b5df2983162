package apply_test

import (
	"maps"
	"testing"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/fleet"
)

func TestUnfinishedAreTheMachinesWithMarks(t *testing.T) {
	machine := func(id, key, digest string) fleet.Machine {
		return fleet.Machine{ID: id, Config: &fleet.Config{Metadata: map[string]string{key: digest}}}
	}
	lost := fleet.Machine{ID: "d", Incomplete: map[string]string{"fly_placer_retire": "sha256:3"}}
	app := fleet.App{Machines: []fleet.Machine{
		machine("a", "fly_placer_decision", "sha256:1"), machine("b", "fly_placer_retire", "sha256:2"),
		machine("c", "fly_placer_applied_at", "2026-11-23T15:00:00Z"), lost,
		{ID: "e"},
	}}
	want := map[string]string{"a": "sha256:1", "b": "sha256:2", "d": "sha256:3"}
	if got := apply.Unfinished(app); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
