package action

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// moving is a job that moves one of two Machines from Ashburn to Amsterdam.
func moving(t *testing.T) *job {
	t.Helper()
	machine := func(id string) fleet.Machine {
		return fleet.Machine{
			ID: id, Name: id, State: "started", Region: "iad", HostStatus: "ok",
			Config: &fleet.Config{
				Guest:    price.Guest{CPUKind: "shared", CPUs: 1, MemoryMB: 256},
				Metadata: map[string]string{"fly_platform_version": "v2", "fly_process_group": "web"},
			},
		}
	}
	const file = "version: 1\napp: shop\ngroups:\n  web:\n    placement: {ams: 1, iad: 1}\n"
	d, err := decision.Parse("shop.yml", []byte(file), region.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	return &job{
		AppConfig: config.AppConfig{Name: "shop", Apply: config.ApplyConfig{Decision: "shop.yml"}, Policy: plan.Policy{MinMachines: 2}},
		Decision:  d, data: []byte(file), prices: price.BuiltIn(),
		app: fleet.App{Name: "shop", IPs: []string{"1.2.3.4"}, Machines: []fleet.Machine{machine("a"), machine("b")}},
	}
}

func TestWhatSpeaksAgainstADecision(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*job)
		want   string // in the only refusal; "" for none
	}{
		"nothing":                   {func(*job) {}, ""},
		"a limit, with its line":    {func(j *job) { j.Policy.Exclude = []region.Code{"ams"} }, "shop.yml line 5, web: 1 Machine would serve in ams, barred by exclude-regions"},
		"unread egress addresses":   {func(j *job) { j.app.Unread = map[string]string{"egress IPs": "403"} }, "whether the app has static egress IPs could not be read"},
		"unless they are ignored":   {func(j *job) { j.app.Unread = map[string]string{"egress IPs": "403"}; j.Apply.IgnoreEgress = true }, ""},
		"a lease, which is awaited": {func(j *job) { j.app.Machines[1].Lease = &fleet.Lease{Owner: "ann", Expires: time.Now().Add(time.Hour)} }, ""},
		"Machines that somebody drained": {func(j *job) {
			j.app.Machines[0].Cordoned, j.app.Machines[1].Cordoned = true, true
		}, "shop.yml line 5, web: "},
		"but not if it was an apply that did not end": {func(j *job) {
			for i := range j.app.Machines {
				j.app.Machines[i].Cordoned, j.app.Machines[i].State = true, "stopped"
				j.app.Machines[i].Config.Metadata["fly_placer_retire"] = j.Sum()
			}
		}, ""},
	} {
		j := moving(t)
		tt.change(j)
		r := &run{Process: Process{Now: time.Now}, log: newLogger(io.Discard, false, false)}
		found := r.refusals(j, region.BuiltIn(), apply.Unfinished(j.app))
		switch {
		case tt.want == "" && len(found) > 0:
			t.Errorf("%s: %+v", name, found)
		case tt.want != "" && (len(found) == 0 || !strings.Contains(found[0].Text, tt.want) || found[0].Hint == ""):
			t.Errorf("%s: %+v, want %q and what to do", name, found, tt.want)
		}
	}
}

func TestADryRunTellsNoValuesOfVariablesAndFiles(t *testing.T) {
	const full = `{"env": {"KEY": "hunter2", "N": 7}, "files": [{"guest_path": "/etc/key", "raw_value": "aHVudGVyMg=="}],
		"containers": [{"name": "app", "env": {"TOKEN": "hunter2"}}], "x": 12345678901234567890, "init": {"cmd": ["run"]}}`
	const want = `{"containers":[{"env":{"TOKEN":"…"},"name":"app"}],"env":{"KEY":"…","N":"…"},"files":[{"guest_path":"/etc/key","raw_value":"…"}],` +
		`"init":{"cmd":["run"]},"x":12345678901234567890}`
	if got := withoutValues(json.RawMessage(full)); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := withoutValues(json.RawMessage(`{"env":`)); got != nil {
		t.Errorf("of what is no JSON it shows %s", got)
	}
}

func TestTheLineThatNamesTheApp(t *testing.T) {
	for file, want := range map[string]int{
		"version: 1\napp: shop\n": 2, "# a file\n\n'app' : shop\n": 3, "groups:\n  app: {}\napp: shop": 3, "{version: 1, app: shop}": 1,
	} {
		if got := lineOfApp([]byte(file)); got != want {
			t.Errorf("%q: line %d, want %d", file, got, want)
		}
	}
}

func TestRoughly(t *testing.T) {
	for age, want := range map[time.Duration]string{
		9*24*time.Hour + time.Hour: "9d", 47*time.Hour + time.Minute: "47h", 119 * time.Minute: "119m", 90*time.Second + time.Millisecond: "90s",
	} {
		if got := roughly(age); got != want {
			t.Errorf("%v: %s, want %s", age, got, want)
		}
	}
}
