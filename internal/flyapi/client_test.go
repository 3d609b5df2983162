package flyapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/secret"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// token has two macaroons, as `fly tokens` prints them.
const token = "FlyV1 fm2_lJPECAAAAAAAATQxxBCzQmWnqL9vVgN2,fm2_qW0rTyUiOpAsDfGhJkLzXcVbNm123456"

// A world is a simulated Fly.io, a client of it and the waits that the client
// asked for, which take no time.
type world struct {
	*flysim.Server
	t      *testing.T
	url    string
	client *Client

	mu    sync.Mutex
	waits []time.Duration
	now   time.Time
}

func newWorld(t *testing.T, config flysim.Config) *world {
	t.Helper()
	if config.Token == "" {
		config.Token = token
	}
	w := &world{t: t, now: flysim.Epoch}
	if config.Now == nil {
		config.Now = func() time.Time {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.now
		}
	}
	w.Server = flysim.New(config)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.client = w.dial(Options{Token: secret.New(token)})
	return w
}

func (w *world) dial(options Options) *Client {
	w.t.Helper()
	options.APIURL = w.url
	options.Sleep = func(ctx context.Context, d time.Duration) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.waits = append(w.waits, d)
		w.now = w.now.Add(d)
		return ctx.Err()
	}
	client, err := New(w.t.Context(), options)
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// count returns how many requests of a route the server got.
func (w *world) count(route string) int {
	n := 0
	for _, r := range w.Requests() {
		if r.Route == route {
			n++
		}
	}
	return n
}

// slept returns the waits so far, in order of length.
func (w *world) slept() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(slices.Values(w.waits))
}

// leaks reports what of the token a text shows.
func leaks(t *testing.T, text string) {
	t.Helper()
	for _, part := range secret.New(token).Parts() {
		for i := 0; i+12 <= len(part); i++ {
			if piece := part[i : i+12]; piece != "FlyV1 fm2_lJ" && strings.Contains(text, piece) {
				t.Fatalf("the token's %q is in:\n%s", piece, text)
			}
		}
	}
}

func TestAppHoldsEverythingThatPlacementNeeds(t *testing.T) {
	w := newWorld(t, flysim.Config{})
	w.AddApp(flysim.App{
		Name: "shop", Org: "acme",
		IPs: []flysim.IP{{Address: "fdaa:0:1::2"}, {Address: "66.241.124.10", Shared: true}},
		Volumes: []flysim.Volume{
			{ID: "vol_2", Machine: "m1"}, {ID: "vol_1", Machine: "m1"}, {ID: "vol_0", Machine: "m1", State: "destroying"}, {ID: "vol_3"},
		},
		EgressRegions: []string{"iad", "ams", "iad"},
	})
	web := flysim.Web{
		Group: "web", Regions: map[string]int{"ams": 1}, CPUKind: "performance", CPUs: 2, MemoryMB: 4096,
		SoftLimit: 20, HardLimit: 25, Autostop: "suspend", MinRunning: 1, Release: 7,
	}
	m := web.Machine("ams")
	m.ID, m.Name, m.Egress, m.Cordoned = "m1", "bold-sun", true, true
	m.CreatedAt, m.Updated = flysim.Epoch.Add(-2*time.Hour), flysim.Epoch.Add(-time.Minute)
	m.Lease = &flysim.Lease{Owner: "dev@example.com", Description: "deploy", Expires: flysim.Epoch.Add(time.Minute)}
	m.Checks = append(m.Checks, flysim.Check{Name: "bg_deployments_compat_http", Status: "passing"})
	w.AddMachine("shop", m)
	w.AddMachine("shop", flysim.Machine{ID: "m0", State: "destroying", Region: "ams", Config: map[string]any{}})

	app, err := w.client.App(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	want := fleet.App{
		Name: "shop", Org: "acme",
		IPs:            []string{"66.241.124.10", "fdaa:0:1::2"},
		VolumeOn:       map[string]string{"m1": "vol_1"},
		EgressRegions:  []region.Code{"ams", "iad"},
		EgressMachines: map[string]bool{"m1": true},
		Unread:         map[string]string{},
		Machines: []fleet.Machine{{
			ID: "m1", Name: "bold-sun", State: "started", Region: "ams", HostStatus: "ok", Cordoned: true,
			CreatedAt: flysim.Epoch.Add(-2 * time.Hour), Updated: flysim.Epoch.Add(-time.Minute),
			Image:  "registry.fly.io/shop:deployment-01KA0000000000000000000000@sha256:" + strings.Repeat("0123456789abcdef", 4),
			Lease:  &fleet.Lease{Owner: "dev@example.com", Description: "deploy", Expires: flysim.Epoch.Add(time.Minute)},
			Checks: []fleet.Check{{Name: "servicecheck-00-http-8080", Status: "passing"}},
			Config: &fleet.Config{
				Guest: price.Guest{CPUKind: "performance", CPUs: 2, MemoryMB: 4096},
				Services: []fleet.Service{{
					Protocol: "tcp", InternalPort: 8080, HTTP: true, Autostop: "suspend", MinMachinesRunning: 1,
					ConcurrencyType: "requests", SoftLimit: 20, HardLimit: 25,
				}},
				Metadata: map[string]string{
					"fly_flyctl_version": "0.4.12", "fly_platform_version": "v2", "fly_process_group": "web",
					"fly_release_id": "release7", "fly_release_version": "7",
				},
				PrimaryRegion: "ams", ProcessGroup: "web",
			},
		}},
	}
	if diff := cmp.Diff(want, app); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, r := range w.Requests() {
		if r.Route == "GET /v1/apps/{app}/machines" && r.Query != "include_deleted=false&include_leases=true" {
			t.Errorf("the list was asked for with %q", r.Query)
		}
	}
	org, err := w.client.Org(t.Context(), "shop")
	if org != "acme" || err != nil {
		t.Errorf("Org gives %q, %v", org, err)
	}
}

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

func TestAppIsOneRoundTrip(t *testing.T) {
	const delay = 60 * time.Millisecond
	w := newWorld(t, flysim.Config{Delay: delay, Limits: true})
	w.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 2}})
	before := time.Now()
	if _, err := w.client.App(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(before); took >= 2*delay {
		t.Errorf("took %v where one request takes %v", took, delay)
	}
	if n := len(w.Requests()); n != 6 || len(w.slept()) != 0 {
		t.Errorf("%d requests, waits %v", n, w.slept())
	}
}

func TestAListInPagesIsReadToItsEnd(t *testing.T) {
	w := newWorld(t, flysim.Config{PageSize: 2, Limits: true, RetryAfter: true})
	w.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 4, "fra": 7}})
	app, err := w.client.App(t.Context(), "shop")
	if err != nil || len(app.Machines) != 11 {
		t.Fatalf("%d Machines, %v", len(app.Machines), err)
	}
	if !slices.IsSortedFunc(app.Machines, func(a, b fleet.Machine) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("not in order of their IDs")
	}
	// Three pages pass at once; the limit then asks for the waits.
	if n := w.count("GET /v1/apps/{app}/machines"); n < 6 || len(w.slept()) == 0 {
		t.Errorf("%d requests, waits %v", n, w.slept())
	}
}

func TestAListWhosePagesNeverEndIsAnError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/machines") {
			w.Header().Set("fly-next-cursor", "again")
			fmt.Fprint(w, `[]`)
			return
		}
		fmt.Fprint(w, `{"name":"shop","organization":{"slug":"acme"}}`)
	}))
	defer server.Close()
	client, err := New(t.Context(), Options{APIURL: server.URL, Token: secret.New(token)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.App(t.Context(), "shop"); err == nil || !strings.Contains(err.Error(), "pages") {
		t.Errorf("got %v", err)
	}
}

func TestAnOldAPIIsRead(t *testing.T) {
	w := newWorld(t, flysim.Config{OldAPI: true})
	w.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 1}})
	if app, err := w.client.App(t.Context(), "shop"); err != nil || len(app.Machines) != 1 || app.Machines[0].Cordoned {
		t.Errorf("%+v, %v", app, err)
	}
}

func TestRegions(t *testing.T) {
	w := newWorld(t, flysim.Config{})
	regions, err := w.client.Regions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	deployable, retired := 0, 0
	for _, r := range regions {
		if r.Area == "" || r.Name == "" || r.Lat == 0 || r.Lon == 0 {
			t.Errorf("%+v lacks something", r)
		}
		switch r.Status {
		case region.Deployable:
			deployable++
		case region.Retired:
			retired++
		case region.EdgeOnly:
			t.Errorf("%s is called an edge", r.Code)
		}
	}
	if deployable != 18 || retired != 18 {
		t.Errorf("%d deployable and %d retired regions", deployable, retired)
	}
	if !slices.IsSortedFunc(regions, func(a, b region.Region) int { return strings.Compare(string(a.Code), string(b.Code)) }) {
		t.Error("not in order")
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
		{"GraphQL in passing trouble", flysim.Fault{Route: graphQL, Times: 2, Status: 502}, map[string]string{}},
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

func TestBadOptionsAreReportedTogetherAndNothingIsSent(t *testing.T) {
	_, err := New(t.Context(), Options{APIURL: "http://api.example.com", GraphQLURL: "https://user:pass@example.com/graphql"})
	for _, want := range []string{"Machines API URL", "loopback", "GraphQL URL", "the token is empty"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %q", err, want)
		}
	}
	if len(hint.Of(err)) < 3 {
		t.Errorf("next steps: %q", hint.Of(err))
	}
	for _, url := range []string{
		"http://10.0.0.1", "ftp://localhost", "api.machines.dev", "https://", "https://x?y=1", "https://x#y", "http://localhost.evil.example", "://",
	} {
		if _, err := New(t.Context(), Options{APIURL: url, GraphQLURL: DefaultGraphQLURL, Token: secret.New(token)}); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
	for _, url := range []string{"https://api.example.com", "http://localhost:1", "http://127.0.0.1:1/", "http://[::1]:1"} {
		if _, err := New(t.Context(), Options{APIURL: url, Token: secret.New(token)}); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, text := range []string{"", "FlyV1 ", "FlyV1 fm2_lJPECAAAAAAAATQx,,fm2_x", "fm2_lJPECAAAA\nAAAATQx"} {
		_, err := New(t.Context(), Options{Token: secret.New(text)})
		if err == nil || len(hint.Of(err)) != 1 {
			t.Errorf("token %q: %v", text, err)
		} else {
			leaks(t, err.Error())
		}
	}
}

func TestNamesThatAreNoAppsAreNotSent(t *testing.T) {
	w := newWorld(t, flysim.Config{})
	for _, name := range []string{"", "Shop", "-shop", "shop/../blog", "shop?x=y", "shop machines", "läden", "shop%2f"} {
		if _, err := w.client.App(t.Context(), name); err == nil || len(hint.Of(err)) != 1 {
			t.Errorf("App(%q): %v", name, err)
		}
		if _, err := w.client.Org(t.Context(), name); err == nil {
			t.Errorf("Org(%q) is taken", name)
		}
	}
	if n := len(w.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestTokensAreTakenAsPeoplePasteThem(t *testing.T) {
	bare := strings.TrimPrefix(token, "FlyV1 ")
	for name, pasted := range map[string]string{
		"as printed": token, "without scheme": bare, "with the wrong scheme": "Bearer " + bare, "with both": "Bearer " + token,
		"with blanks": "  " + token + "\n", "with a blank after the comma": strings.Replace(token, ",", ", ", 1),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, flysim.Config{})
			w.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 1}})
			app, err := w.dial(Options{Token: secret.New(pasted)}).App(t.Context(), "shop")
			if err != nil || len(app.Unread) != 0 {
				t.Errorf("%v, unread %v", err, app.Unread)
			}
			for _, r := range w.Requests() {
				if got := r.Header.Get("Authorization"); got != token {
					t.Errorf("%s was sent %q", r.Route, got)
				}
			}
		})
	}
	t.Run("a user's token", func(t *testing.T) {
		w := newWorld(t, flysim.Config{Token: "user-token-of-somebody"})
		w.AddApp(flysim.App{Name: "shop"})
		if app, err := w.dial(Options{Token: secret.New("user-token-of-somebody")}).App(t.Context(), "shop"); err != nil || len(app.Unread) != 0 {
			t.Errorf("%v, unread %v", err, app.Unread)
		}
	})
}

func TestCanceledContextsEndACall(t *testing.T) {
	w := newWorld(t, flysim.Config{})
	w.AddApp(flysim.App{Name: "shop"})
	ctx, cancel := context.WithCancel(t.Context())
	w.Inject(flysim.Fault{Kind: flysim.Hang})
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := w.client.App(ctx, "shop"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := len(w.Requests()); n > 6 {
		t.Errorf("%d requests", n)
	}
}

func TestSameAnswersGiveTheSameApp(t *testing.T) {
	w := newWorld(t, flysim.Config{})
	w.AddApp(flysim.App{Name: "shop", EgressRegions: []string{"nrt", "ams", "fra"}})
	w.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 3, "fra": 3}})
	first, err := w.client.App(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if again, err := w.client.App(t.Context(), "shop"); err != nil || !reflect.DeepEqual(first, again) {
			t.Fatalf("%v:\n%s", err, cmp.Diff(first, again))
		}
	}
}
