package fleet_test

import (
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/fleet"
)

// The API goes on telling the last configuration of a Machine whose host is
// lost: nothing says that it still serves.
func TestAMachineOfALostHostServesNothing(t *testing.T) {
	for status, serves := range map[string]int{"ok": 1, "unreachable": 0, "unknown": 0} {
		m := with(web("b", "fra"), func(m *fleet.Machine) { m.HostStatus = status })
		g := one(t, fleet.App{Machines: []fleet.Machine{web("a", "iad"), m}})
		if g.Serving()["fra"] != serves || g.Floor()["fra"] != 0 || g.Current()["fra"] != 1 {
			t.Errorf("%s: serving %v, floor %v, current %v; want %d to serve in fra", status, g.Serving(), g.Floor(), g.Current(), serves)
		}
	}
}

func TestTwoReleasesAreADeployForAQuarterOfAnHour(t *testing.T) {
	for age, want := range map[time.Duration]bool{
		time.Minute: true, 15*time.Minute - time.Second: true,
		15 * time.Minute: false, 16 * time.Minute: false, 29 * time.Minute: false,
	} {
		old, fresh := web("a", "iad"), with(web("b", "iad"), func(m *fleet.Machine) {
			m.Config.Metadata["fly_release_version"] = "8"
			m.Updated = now.Add(-age)
		})
		if g := one(t, fleet.App{Machines: []fleet.Machine{old, fresh}}); (g.Deploy != "") != want {
			t.Errorf("the newest release is %s old: deploy %q, want one: %t", age, g.Deploy, want)
		}
	}
}
