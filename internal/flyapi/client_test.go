package flyapi

import (
	"context"
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
			Created: flysim.Epoch.Add(-2 * time.Hour), Updated: flysim.Epoch.Add(-time.Minute),
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
				PrimaryRegion: "ams",
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

// No request is answered before all of them are there.
func TestAppIsOneRoundTrip(t *testing.T) {
	const requests = 6
	sim := flysim.New(flysim.Config{})
	sim.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 2}})
	var arrived sync.WaitGroup
	arrived.Add(requests)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait()
		sim.ServeHTTP(w, r)
	}))
	defer server.Close()
	client, err := New(t.Context(), Options{APIURL: server.URL, Token: secret.New(token), ReadTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	app, err := client.App(t.Context(), "shop")
	if err != nil || len(app.Machines) != 2 || len(app.Unread) != 0 || len(sim.Requests()) != requests {
		t.Errorf("%+v, %v, %d requests", app, err, len(sim.Requests()))
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
