package fleet_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

var now = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

type counts = map[region.Code]int

// web is a healthy Machine of process group web.
func web(id string, code region.Code) fleet.Machine {
	return fleet.Machine{
		ID: id, State: "started", Region: code, HostStatus: "ok", Updated: now.Add(-24 * time.Hour),
		Checks: []fleet.Check{{Name: "http", Status: "passing"}},
		Config: &fleet.Config{
			Guest:    price.Guest{CPUKind: "shared", CPUs: 1, MemoryMB: 256},
			Metadata: map[string]string{"fly_platform_version": "v2", "fly_process_group": "web", "fly_release_version": "7"},
			Services: []fleet.Service{{Protocol: "tcp", HTTP: true, SoftLimit: 25, HardLimit: 50}},
		},
	}
}

// with changes a copy of a Machine.
func with(m fleet.Machine, change func(*fleet.Machine)) fleet.Machine {
	c := *m.Config
	c.Metadata = maps.Clone(c.Metadata)
	c.Services = slices.Clone(c.Services)
	m.Config = &c
	change(&m)
	return m
}

func one(t *testing.T, a fleet.App) fleet.Group {
	t.Helper()
	groups := fleet.Groups(a, now)
	if len(groups) != 1 {
		t.Fatalf("%d groups, want 1", len(groups))
	}
	return groups[0]
}

func TestWhatIsPinnedAndWhatCounts(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*fleet.Machine)
		app     fleet.App
		want    fleet.PinReason
		counted bool
		idle    bool // serves nothing
	}{
		{name: "a plain Machine", change: func(*fleet.Machine) {}, counted: true},
		{name: "stopped by somebody", change: func(m *fleet.Machine) { m.State = "stopped" }, want: fleet.PinIdle, counted: true, idle: true},
		{name: "stopped by fly-proxy", change: func(m *fleet.Machine) { m.State, m.Config.Services[0].Autostop = "stopped", "stop" }, counted: true},
		{name: "failed", change: func(m *fleet.Machine) { m.State = "failed" }, want: fleet.PinIdle, counted: true, idle: true},
		{name: "mounts", change: func(m *fleet.Machine) { m.Config.Mounts = []string{"data"} }, want: fleet.PinVolume, counted: true},
		{name: "an attached volume", change: func(*fleet.Machine) {}, app: fleet.App{VolumeOn: map[string]string{"b": "vol_1"}}, want: fleet.PinVolume, counted: true},
		{name: "a standby", change: func(m *fleet.Machine) { m.Config.Standbys = []string{"a"} }, want: fleet.PinStandby},
		{name: "a standby by its environment", change: func(m *fleet.Machine) { m.Config.StandbyFor = "a" }, want: fleet.PinStandby},
		{name: "scheduled", change: func(m *fleet.Machine) { m.Config.Schedule = "hourly" }, want: fleet.PinScheduled},
		{name: "auto_destroy", change: func(m *fleet.Machine) { m.Config.AutoDestroy = true }, want: fleet.PinAutoDestroy},
		{name: "host unreachable", change: func(m *fleet.Machine) { m.HostStatus, m.Incomplete, m.Config = "unreachable", m.Config.Metadata, nil }, want: fleet.PinHost, counted: true, idle: true},
		{name: "cordoned", change: func(m *fleet.Machine) { m.Cordoned = true }, want: fleet.PinCordoned, counted: true, idle: true},
		{name: "leased", change: func(m *fleet.Machine) { m.Lease = &fleet.Lease{Owner: "ann", Expires: now.Add(time.Second)} }, want: fleet.PinLeased, counted: true},
		{name: "a lease that ran out", change: func(m *fleet.Machine) { m.Lease = &fleet.Lease{Owner: "ann", Expires: now} }, counted: true},
		{name: "a GPU", change: func(m *fleet.Machine) { m.Config.GPU = true }, want: fleet.PinGPU, counted: true},
		{name: "a dedicated host", change: func(m *fleet.Machine) { m.Config.HostDedicationID = "d" }, want: fleet.PinDedicatedHost, counted: true},
		{name: "an egress IP of its own", change: func(*fleet.Machine) {}, app: fleet.App{EgressMachines: map[string]bool{"b": true}}, want: fleet.PinEgressIP, counted: true},
		{name: "not of Fly Launch", change: func(m *fleet.Machine) { delete(m.Config.Metadata, "fly_platform_version") }},
		{name: "a release command", change: func(m *fleet.Machine) { m.Config.Metadata["fly_process_group"] = "fly_app_release_command" }},
		{name: "a console", change: func(m *fleet.Machine) { m.Config.Metadata["fly_process_group"] = "fly_app_console" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.app
			a.Machines = []fleet.Machine{web("a", "iad"), with(web("b", "fra"), tt.change), web("c", "iad")}
			g := one(t, a)
			want := counts{"iad": 2}
			if tt.counted {
				want["fra"] = 1
			}
			if got := g.Current(); !maps.Equal(got, want) {
				t.Errorf("counted %v, want %v", got, want)
			}
			reason := fleet.PinReason("")
			for _, p := range g.Pins {
				if p.Machine == "b" {
					reason = p.Reason
				}
			}
			if reason != tt.want {
				t.Errorf("pin %q, want %q", reason, tt.want)
			}
			floor, serving := 0, 0
			if tt.counted && !tt.idle {
				serving = 1
			}
			if tt.want != "" {
				floor = serving
			}
			if got := g.Serving()["fra"]; got != serving {
				t.Errorf("%d Machines serve in fra, want %d", got, serving)
			}
			if got := g.Floor()["fra"]; got != floor {
				t.Errorf("%d Machines must stay in fra, want %d", got, floor)
			}
		})
	}
}

func TestWhoIsStoodByForStays(t *testing.T) {
	standby := with(web("b", "fra"), func(m *fleet.Machine) { m.Config.Standbys = []string{"a"} })
	g := one(t, fleet.App{Machines: []fleet.Machine{web("a", "iad"), standby, web("c", "ord")}})
	if g.Floor()["iad"] != 1 || g.Floor()["ord"] != 0 {
		t.Errorf("Floor = %v: a has a standby, c has none", g.Floor())
	}
}

func TestThePrimaryRegionKeepsItsMinimum(t *testing.T) {
	var machines []fleet.Machine
	for _, id := range []string{"a", "b", "c"} {
		machines = append(machines, with(web(id, "iad"), func(m *fleet.Machine) {
			m.Config.PrimaryRegion = "iad"
			m.Config.Services[0].MinMachinesRunning = 2
		}))
	}
	g := one(t, fleet.App{Machines: machines})
	if g.Floor()["iad"] != 2 {
		t.Errorf("Floor = %v, want 2 in iad", g.Floor())
	}
	g = one(t, fleet.App{Machines: machines[:1]})
	if g.Floor()["iad"] != 1 {
		t.Errorf("Floor = %v: there is only one", g.Floor())
	}
	for i := range machines {
		machines[i].Region = "fra"
	}
	if g = one(t, fleet.App{Machines: machines}); len(g.Floor()) != 0 {
		t.Errorf("Floor = %v: nothing runs in the primary region", g.Floor())
	}
}

func TestANewMachineIsLikeTheHealthiestNewest(t *testing.T) {
	sick := with(web("a", "iad"), func(m *fleet.Machine) {
		m.Checks[0].Status = "critical"
		m.Config.Metadata["fly_release_version"] = "9"
		m.Config.Guest.CPUs = 8
	})
	sick.Checks = []fleet.Check{{Name: "http", Status: "critical"}}
	good := with(web("b", "iad"), func(m *fleet.Machine) {
		m.Config.Metadata["fly_release_version"] = "8"
		m.Config.Guest.CPUs = 2
	})
	g := one(t, fleet.App{Machines: []fleet.Machine{sick, good, web("c", "iad")}})
	if g.Guest.CPUs != 2 || !g.MixedGuests {
		t.Errorf("Guest = %v, mixed %v: want that of b, the newest healthy one", g.Guest, g.MixedGuests)
	}
}

func TestLimitsThatAreNotSet(t *testing.T) {
	m := with(web("a", "iad"), func(m *fleet.Machine) {
		m.Config.Services[0].SoftLimit, m.Config.Services[0].HardLimit = 0, 0
		m.Config.Services[0].Autostop = "suspend"
	})
	g := one(t, fleet.App{Machines: []fleet.Machine{m}})
	if g.SoftLimit != 20 || g.HardLimit != 0 || !g.Autostop {
		t.Errorf("soft %v, hard %v, autostop %v", g.SoftLimit, g.HardLimit, g.Autostop)
	}
}

func TestAMachineThatNobodyCanTellIsLostToAllGroups(t *testing.T) {
	lost := web("b", "fra")
	lost.Config, lost.HostStatus = nil, "unreachable"
	job := with(web("c", "iad"), func(m *fleet.Machine) { m.Config.Metadata["fly_process_group"] = "worker" })
	groups := fleet.Groups(fleet.App{Machines: []fleet.Machine{web("a", "iad"), lost, job}}, now)
	if len(groups) != 2 {
		t.Fatalf("%d groups", len(groups))
	}
	for _, g := range groups {
		if g.Current()["fra"] != 0 || len(g.Lost) != 1 || g.Lost[0].ID != "b" {
			t.Errorf("%s: current %v, lost %v", g.Name, g.Current(), g.Lost)
		}
	}
}

func TestAStandbyOfSeveralProtectsEach(t *testing.T) {
	standby := with(web("s", "ord"), func(m *fleet.Machine) {
		m.Config.StandbyFor = "a,c"
		m.Config.Metadata["fly_process_group"] = "other"
	})
	groups := fleet.Groups(fleet.App{Machines: []fleet.Machine{web("a", "iad"), web("b", "iad"), web("c", "fra"), standby}}, now)
	i := slices.IndexFunc(groups, func(g fleet.Group) bool { return g.Name == "web" })
	if floor := groups[i].Floor(); floor["iad"] != 1 || floor["fra"] != 1 {
		t.Errorf("Floor = %v: a and c are stood by for", floor)
	}
}

func TestADeployShowsInMachinesThatDoNotCount(t *testing.T) {
	for name, m := range map[string]fleet.Machine{
		"release command": with(web("r", "iad"), func(m *fleet.Machine) { m.Config.Metadata["fly_process_group"] = "fly_app_release_command" }),
		"leased standby": with(web("s", "ord"), func(m *fleet.Machine) {
			m.Config.Standbys = []string{"a"}
			m.Lease = &fleet.Lease{Owner: "ann", Expires: now.Add(time.Minute)}
		}),
	} {
		if g := one(t, fleet.App{Machines: []fleet.Machine{web("a", "iad"), m}}); g.Deploy == "" {
			t.Errorf("a %s shows no deploy", name)
		}
	}
}

func TestPublicPrivateAndPostgres(t *testing.T) {
	if a := (fleet.App{IPs: []string{"fdaa:0:1::3", "66.241.125.1"}}); a.Private() {
		t.Error("one public address is enough")
	}
	if a := (fleet.App{IPs: []string{"fdaa:0:1::3"}}); !a.Private() {
		t.Error("flycast only is private")
	}
	if a := (fleet.App{Unread: map[string]string{"IP addresses": "403"}}); a.Private() {
		t.Error("what could not be read is not known to be private")
	}
	db := with(web("a", "iad"), func(m *fleet.Machine) { m.Config.Metadata["fly-managed-postgres"] = "true" })
	if a := (fleet.App{Machines: []fleet.Machine{db}}); !a.Postgres() {
		t.Error("managed Postgres by its metadata")
	}
	flex := web("a", "iad")
	flex.Image = "registry-1.docker.io/flyio/postgres-flex:17@sha256:0"
	if a := (fleet.App{Machines: []fleet.Machine{flex}}); !a.Postgres() {
		t.Error("Postgres by its image")
	}
}
