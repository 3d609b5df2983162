package flyapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// Each row is a case of what must not be moved, and how App shows it.
func TestAppShowsWhatMustNotBeMoved(t *testing.T) {
	set := func(key string, value any) func(*flysim.Machine) {
		return func(m *flysim.Machine) { m.Config[key] = value }
	}
	env := func(key, value string) func(*flysim.Machine) {
		return func(m *flysim.Machine) { m.Config["env"].(map[string]any)[key] = value }
	}
	guest := func(key string, value any) func(*flysim.Machine) {
		return func(m *flysim.Machine) { m.Config["guest"].(map[string]any)[key] = value }
	}
	service := func(key string, value any) func(*flysim.Machine) {
		return func(m *flysim.Machine) { m.Config["services"].([]any)[0].(map[string]any)[key] = value }
	}
	tests := []struct {
		name   string
		change func(*flysim.Machine)
		shown  func(fleet.Machine) bool
	}{
		{
			"a mount by name", set("mounts", []any{map[string]any{"name": "data", "volume": "vol_1", "path": "/data"}}),
			func(m fleet.Machine) bool { return slices.Equal(m.Config.Mounts, []string{"data"}) },
		},
		{
			"a mount by volume", set("mounts", []any{map[string]any{"volume": "vol_1", "path": "/data"}}),
			func(m fleet.Machine) bool { return slices.Equal(m.Config.Mounts, []string{"vol_1"}) },
		},
		{
			"standbys", set("standbys", []any{"other"}),
			func(m fleet.Machine) bool { return slices.Equal(m.Config.Standbys, []string{"other"}) },
		},
		{
			"standby by environment", env("FLY_STANDBY_FOR", "other"),
			func(m fleet.Machine) bool { return m.Config.StandbyFor == "other" },
		},
		{"scheduled", set("schedule", "daily"), func(m fleet.Machine) bool { return m.Config.Schedule == "daily" }},
		{"one-shot", set("auto_destroy", true), func(m fleet.Machine) bool { return m.Config.AutoDestroy }},
		{"GPUs", guest("gpus", 1), func(m fleet.Machine) bool { return m.Config.GPU }},
		{"a kind of GPU", guest("gpu_kind", "a10"), func(m fleet.Machine) bool { return m.Config.GPU }},
		{
			"a dedicated host", guest("host_dedication_id", "host1"),
			func(m fleet.Machine) bool { return m.Config.HostDedicationID == "host1" },
		},
		{"spot", set("spot", map[string]any{"max_price_fraction": 0.5}), func(m fleet.Machine) bool { return m.Config.Spot }},
		{
			"spot by restart policy", set("restart", map[string]any{"policy": "spot-price"}),
			func(m fleet.Machine) bool { return m.Config.Spot },
		},
		{"spot that is null", set("spot", nil), func(m fleet.Machine) bool { return !m.Config.Spot }},
		{
			"containers", set("containers", []any{map[string]any{"name": "a", "image": "b"}}),
			func(m fleet.Machine) bool { return m.Config.Containers && !m.Config.LiteFS },
		},
		{"no metadata", set("metadata", nil), func(m fleet.Machine) bool { return m.Config.Metadata["fly_platform_version"] == "" }},
		{
			"a system Machine", set("metadata", map[string]any{"process_group": "release_command"}),
			func(m fleet.Machine) bool { return m.Config.Metadata["process_group"] == "release_command" },
		},
		{
			"an unreachable host", func(m *flysim.Machine) { m.HostStatus = "unreachable" },
			func(m fleet.Machine) bool {
				return m.HostStatus == "unreachable" && m.Config == nil && m.Region == "ams"
			},
		},
		{
			"an unreachable host's labels", func(m *flysim.Machine) {
				m.HostStatus = "unreachable"
				m.Config["metadata"] = map[string]any{"fly_process_group": "web", "count": 3, "none": nil, "more": []any{"x"}}
			},
			func(m fleet.Machine) bool {
				return maps.Equal(m.Incomplete, map[string]string{"fly_process_group": "web"})
			},
		},
		{
			"an unknown host without labels", func(m *flysim.Machine) { m.HostStatus, m.Config["metadata"] = "unknown", nil },
			func(m fleet.Machine) bool { return m.Incomplete == nil && m.Config == nil },
		},
		{
			"a label that is no text", func(m *flysim.Machine) { m.HostStatus, m.Config["metadata"] = "unknown", map[string]any{"a": 1} },
			func(m fleet.Machine) bool { return m.Incomplete == nil },
		},
		{
			"labels that are none", func(m *flysim.Machine) { m.HostStatus, m.Config["metadata"] = "unknown", "web" },
			func(m fleet.Machine) bool { return m.Incomplete == nil },
		},
		{
			"an incomplete configuration that is null", func(m *flysim.Machine) { m.HostStatus, m.Config = "unreachable", nil },
			func(m fleet.Machine) bool { return m.Incomplete == nil && m.Config == nil },
		},
		{
			"labels of a host that answers are in its configuration alone", func(m *flysim.Machine) {
				m.Extra = map[string]any{"incomplete_config": map[string]any{"metadata": map[string]any{"fly_process_group": "old"}}}
			},
			func(m fleet.Machine) bool {
				return m.Incomplete == nil && m.Config.Metadata["fly_process_group"] != "old"
			},
		},
		{
			"a configuration that is null", func(m *flysim.Machine) { m.Config = nil },
			func(m fleet.Machine) bool { return m.Config == nil },
		},
		{"no service", set("services", []any{}), func(m fleet.Machine) bool { return len(m.Config.Services) == 0 }},
		{
			"TCP without HTTP", service("ports", []any{map[string]any{"port": 5432, "handlers": []any{"tls"}}}),
			func(m fleet.Machine) bool { return !m.Config.Services[0].HTTP },
		},
		{"UDP", service("protocol", "udp"), func(m fleet.Machine) bool { return m.Config.Services[0].Protocol == "udp" }},
		{"no limits", service("concurrency", nil), func(m fleet.Machine) bool {
			s := m.Config.Services[0]
			return s.ConcurrencyType == "connections" && s.SoftLimit == 0 && s.HardLimit == 0
		}},
		{"the writer's region", env("PRIMARY_REGION", "nrt"), func(m fleet.Machine) bool { return m.Config.PrimaryRegion == "nrt" }},
		{
			"min_machines_running", service("min_machines_running", 2),
			func(m fleet.Machine) bool { return m.Config.Services[0].MinMachinesRunning == 2 },
		},
		{"autostop as a boolean", service("autostop", true), func(m fleet.Machine) bool { return m.Config.Services[0].Autostop == "stop" }},
		{"autostop as a word", service("autostop", "stop"), func(m fleet.Machine) bool { return m.Config.Services[0].Autostop == "stop" }},
		{"autostop off", service("autostop", "off"), func(m fleet.Machine) bool { return m.Config.Services[0].Autostop == "off" }},
		{"autostop that is null", service("autostop", nil), func(m fleet.Machine) bool { return m.Config.Services[0].Autostop == "off" }},
		{"cordoned", func(m *flysim.Machine) { m.Cordoned = true }, func(m fleet.Machine) bool { return m.Cordoned }},
		{
			"a lease", func(m *flysim.Machine) { m.Lease = &flysim.Lease{Owner: "x", Expires: flysim.Epoch.Add(time.Hour)} },
			func(m fleet.Machine) bool { return m.Lease != nil && m.Lease.Owner == "x" },
		},
		{"suspended", func(m *flysim.Machine) { m.State = "suspended" }, func(m fleet.Machine) bool { return m.State == "suspended" }},
		{"a Postgres image", func(m *flysim.Machine) {
			m.Image = map[string]any{"registry": "registry-1.docker.io", "repository": "flyio/postgres-flex", "tag": "17"}
		}, func(m fleet.Machine) bool { return m.Image == "registry-1.docker.io/flyio/postgres-flex:17" }},
		{
			"a canary", set("metadata", map[string]any{"fly_canary": "true"}),
			func(m fleet.Machine) bool { return m.Config.Metadata["fly_canary"] == "true" },
		},
		{
			"LiteFS by command", set("init", map[string]any{"cmd": []any{"litefs", "mount"}}),
			func(m fleet.Machine) bool { return m.Config.LiteFS },
		},
		{"LiteFS by environment", env("LITEFS_CLOUD_TOKEN", "x"), func(m fleet.Machine) bool { return m.Config.LiteFS }},
		{
			"LiteFS by file", set("files", []any{map[string]any{"guest_path": "/etc/litefs.yml"}}),
			func(m fleet.Machine) bool { return m.Config.LiteFS },
		},
		{
			"LiteFS by a file's content", set("files", []any{map[string]any{"guest_path": "/run.sh", "raw_value": "ZXhlYyBsaXRlZnMgbW91bnQ="}}),
			func(m fleet.Machine) bool { return m.Config.LiteFS },
		},
		{
			"LiteFS by process", set("processes", []any{map[string]any{"entrypoint": []any{"/bin/litefs"}}}),
			func(m fleet.Machine) bool { return m.Config.LiteFS },
		},
		{
			"LiteFS in a container", set("containers", []any{map[string]any{"image": "flyio/litefs:0.5"}}),
			func(m fleet.Machine) bool { return m.Config.LiteFS && m.Config.Containers },
		},
		{"nothing of that", func(*flysim.Machine) {}, func(m fleet.Machine) bool {
			return !m.Config.LiteFS && !m.Config.GPU && !m.Config.Spot && !m.Config.Containers && !m.Cordoned && m.Lease == nil
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, flysim.Config{})
			m := flysim.Web{Regions: map[string]int{"ams": 1}}.Machine("ams")
			test.change(&m)
			w.AddMachine("shop", m)
			app, err := w.client.App(t.Context(), "shop")
			if err != nil {
				t.Fatal(err)
			}
			if len(app.Machines) != 1 || !test.shown(app.Machines[0]) {
				t.Errorf("not seen in %+v", app.Machines)
			}
		})
	}
	t.Run("a Postgres cluster", func(t *testing.T) {
		w := newWorld(t, flysim.Config{})
		w.AddApp(flysim.App{Name: "db", Role: "postgres_cluster"})
		if app, err := w.client.App(t.Context(), "db"); err != nil || app.Role != "postgres_cluster" {
			t.Errorf("role %q, %v", app.Role, err)
		}
	})
}

func TestVariablesThatMayBeSecretAreNotKept(t *testing.T) {
	w := newWorld(t, flysim.Config{})
	m := flysim.Web{Regions: map[string]int{"ams": 1}}.Machine("ams")
	m.Config["env"].(map[string]any)["DATABASE_URL"] = "postgres://hunter2"
	m.Config["files"] = []any{map[string]any{"guest_path": "/key", "raw_value": "aHVudGVyMg=="}}
	m.Config["containers"] = []any{map[string]any{"name": "a", "image": "b", "env": map[string]any{"KEY": "hunter2"}}}
	w.AddMachine("shop", m)
	app, err := w.client.App(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := json.Marshal(app)
	if err != nil || strings.Contains(string(kept), "hunter2") || strings.Contains(string(kept), "aHVudGVy") {
		t.Errorf("%v: %s", err, kept)
	}
}

// What cannot be read besides the Machines is named, not guessed.
func TestWhatCannotBeReadIsNamed(t *testing.T) {
	const ips, volumes, graphQL = "GET /v1/apps/{app}/ip_assignments", "GET /v1/apps/{app}/volumes", "POST /graphql"
	tests := []struct {
		name  string
		fault flysim.Fault
		want  map[string]string
	}{
		{"addresses forbidden", flysim.Fault{Route: ips, Status: 403}, map[string]string{"IP addresses": "403 Forbidden: unauthorized"}},
		{
			"volumes unauthorized",
			flysim.Fault{Route: volumes, Status: 401},
			map[string]string{"volumes": "401 Unauthorized: Authenticate: token validation error"},
		},
		{
			"no GraphQL there",
			flysim.Fault{Route: graphQL, Status: 404, Body: "404 page not found"},
			map[string]string{"egress IPs": "404 Not Found: 404 page not found"},
		},
		{
			"GraphQL refuses",
			flysim.Fault{Route: graphQL, Status: 200, Body: `{"data":{"app":null},"errors":[{"message":"Not authorized to access app for fm2_lJPECAAAAAAAATQx"}]}`},
			map[string]string{"egress IPs": "Not authorized to access app for [redacted]"},
		},
		{
			"GraphQL says nothing",
			flysim.Fault{Route: graphQL, Status: 200, Body: `{"data":{"app":null}}`},
			map[string]string{"egress IPs": "unexpected answer: GraphQL says nothing about the app"},
		},
		{
			"GraphQL is a web page",
			flysim.Fault{Route: graphQL, Kind: flysim.HTML},
			map[string]string{"egress IPs": "unexpected answer: a web page instead of JSON"},
		},
		{
			"one of the two queries fails",
			flysim.Fault{Route: graphQL, From: 2, Times: 1, Status: 403},
			map[string]string{"egress IPs": "403 Forbidden: unauthorized"},
		},
		{
			"volumes in trouble",
			flysim.Fault{Route: volumes, Status: 503},
			map[string]string{"volumes": "503 Service Unavailable: Service Unavailable"},
		},
		{
			"addresses as half a JSON",
			flysim.Fault{Route: ips, Kind: flysim.Truncated},
			map[string]string{"IP addresses": "the JSON ends early"},
		},
		{"GraphQL in passing trouble", flysim.Fault{Route: graphQL, Times: 1, Status: 502}, map[string]string{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, flysim.Config{})
			w.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 1}})
			w.Inject(test.fault)
			app, err := w.client.App(t.Context(), "shop")
			if err != nil || len(app.Machines) != 1 {
				t.Fatalf("%d Machines, %v", len(app.Machines), err)
			}
			if diff := cmp.Diff(test.want, app.Unread); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
