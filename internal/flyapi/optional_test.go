package flyapi

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/secret"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// The routes of the reads that a plan can do without.
const (
	routeIPs     = "GET /v1/apps/{app}/ip_assignments"
	routeVolumes = "GET /v1/apps/{app}/volumes"
)

func TestOptionalReadsAreGivenUpSooner(t *testing.T) {
	w := newWorld(t, flysim.Config{})
	w.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 1}})
	for _, route := range []string{routeIPs, routeVolumes, routeGraphQL} {
		w.Inject(flysim.Fault{Route: route, Kind: flysim.Hang})
	}
	client := w.dial(Options{Token: secret.New(token), ReadTimeout: 300 * time.Millisecond})
	app, err := client.App(t.Context(), "shop")
	if err != nil || len(app.Machines) != 1 {
		t.Fatalf("%d Machines, %v", len(app.Machines), err)
	}
	late := "no answer in time"
	if diff := cmp.Diff(map[string]string{"IP addresses": late, "volumes": late, "egress IPs": late}, app.Unread); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
	for route, want := range map[string]int{routeIPs: 2, routeVolumes: 2, routeGraphQL: 2 * 2, routeApp: 1, routeMachines: 1} {
		if got := w.count(route); got != want {
			t.Errorf("%s: %d requests, want %d", route, got, want)
		}
	}
	if got := w.slept(); !slices.Equal(got, slices.Repeat([]time.Duration{time.Second}, 4)) {
		t.Errorf("waited %v", got)
	}
}

// inside carries requests to a server in the same bubble of time.
type inside struct{ http.Handler }

func (s inside) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody // a server's request always has one
	}
	s.ServeHTTP(rec, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return rec.Result(), nil
}

// With all bounds and waits as they are, in time that does not pass.
func TestHowLongAnAppTakesAtWorst(t *testing.T) {
	optional := []string{routeIPs, routeVolumes, routeGraphQL}
	for name, test := range map[string]struct {
		fault  flysim.Fault
		routes []string
		unread []string
		want   time.Duration
	}{
		"all optional reads hang":       {flysim.Fault{Kind: flysim.Hang}, optional, []string{"IP addresses", "egress IPs", "volumes"}, 20 * time.Second},
		"one hangs":                     {flysim.Fault{Kind: flysim.Hang}, optional[:1], []string{"IP addresses"}, 20 * time.Second},
		"one hangs once":                {flysim.Fault{Kind: flysim.Hang, Times: 1}, optional[1:2], nil, 11 * time.Second},
		"GraphQL asks for a long wait":  {flysim.Fault{Status: 429, RetryAfter: "29"}, optional[2:], []string{"egress IPs"}, 20 * time.Second},
		"GraphQL asks for a short wait": {flysim.Fault{Status: 429, RetryAfter: "8", Times: 2}, optional[2:], nil, 8 * time.Second},
		"what is needed is waited for":  {flysim.Fault{Kind: flysim.Hang, Times: 3}, []string{routeMachines}, nil, 67 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := flysim.New(flysim.Config{})
				sim.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 1}})
				for _, route := range test.routes {
					fault := test.fault
					fault.Route = route
					sim.Inject(fault)
				}
				client, err := New(t.Context(), Options{Token: secret.New(token), HTTP: inside{sim}})
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				app, err := client.App(t.Context(), "shop")
				if err != nil || len(app.Machines) != 1 {
					t.Fatalf("%d Machines, %v", len(app.Machines), err)
				}
				if took := time.Since(start); took != test.want {
					t.Errorf("took %s, want %s", took, test.want)
				}
				if got := slices.Sorted(maps.Keys(app.Unread)); !slices.Equal(got, test.unread) {
					t.Errorf("unread %v, want %v", app.Unread, test.unread)
				}
			})
		})
	}
}
