package flyapi

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/secret"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

const routePlacements = "POST /v1/platform/placements"

var smallGuest = price.Guest{CPUKind: "shared", CPUs: 2, MemoryMB: 1024}

// tight is a world in which some regions have little room left.
func tight(t *testing.T) *world {
	w := newWorld(t, flysim.Config{Capacity: map[string]int{"sjc": 1, "gru": 0, "ams": 50}})
	w.AddApp(flysim.App{Name: "shop", Org: "acme"})
	return w
}

func TestCapacityIsAskedOfEachRegionAlone(t *testing.T) {
	w := tight(t)
	wants := map[region.Code]int{"ams": 3, "gru": 2, "sjc": 4, "fra": 0}
	got, err := w.client.Capacity(t.Context(), "acme", smallGuest, wants)
	if diff := cmp.Diff(map[region.Code]int{"ams": 3, "gru": 0, "sjc": 1}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	var bodies []string
	for _, r := range w.Requests() {
		bodies = append(bodies, strings.TrimSpace(string(r.Body)))
	}
	slices.Sort(bodies)
	rest := `,"org_slug":"acme","region":`
	if diff := cmp.Diff([]string{
		`{"compute":{"cpu_kind":"shared","cpus":2,"memory_mb":1024},"count":2` + rest + `"gru"}`,
		`{"compute":{"cpu_kind":"shared","cpus":2,"memory_mb":1024},"count":3` + rest + `"ams"}`,
		`{"compute":{"cpu_kind":"shared","cpus":2,"memory_mb":1024},"count":4` + rest + `"sjc"}`,
	}, bodies); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if got, err := w.client.Capacity(t.Context(), "acme", smallGuest, nil); err != nil || len(got) != 0 {
		t.Errorf("nothing wanted: %v, %v", got, err)
	}
	if n := w.count(routePlacements); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

func TestCapacityDoesNotBelieveEverything(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want int
	}{
		"another region":         {`{"regions":[{"region":"fra","count":3,"concurrency":0}]}`, 0},
		"another region as well": {`{"regions":[{"region":"fra","count":3},{"region":"ams","count":2}]}`, 2},
		"more than was asked":    {`{"regions":[{"region":"ams","count":90}]}`, 3},
		"less than nothing":      {`{"regions":[{"region":"ams","count":-2}]}`, 0},
		"no region":              {`{"regions":[]}`, 0},
		"null":                   {`{"regions":null}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := tight(t)
			w.Inject(flysim.Fault{Route: routePlacements, Status: 200, Body: test.body})
			got, err := w.client.Capacity(t.Context(), "acme", smallGuest, map[region.Code]int{"ams": 3})
			if err != nil || got["ams"] != test.want || len(got) != 1 {
				t.Errorf("%v, %v; want %d", got, err, test.want)
			}
		})
	}
	t.Run("Machines that would land elsewhere", func(t *testing.T) {
		w := tight(t)
		w.Inject(flysim.Fault{Route: routePlacements, Kind: flysim.WrongRegion, Region: "fra"})
		if got, err := w.client.Capacity(t.Context(), "acme", smallGuest, map[region.Code]int{"ams": 3}); err != nil || got["ams"] != 0 {
			t.Errorf("%v, %v; want none in ams", got, err)
		}
	})
}

func TestCapacityFailsWithTheNextStep(t *testing.T) {
	for name, test := range map[string]struct {
		fault    flysim.Fault
		want     string
		hint     string
		denied   bool
		requests int // about ams
	}{
		"401":              {flysim.Fault{Status: 401}, "401 Unauthorized", "readonly acme`", true, 1},
		"403":              {flysim.Fault{Status: 403}, "403 Forbidden", "readonly acme`", true, 1},
		"404":              {flysim.Fault{Status: 404}, "404 Not Found", "readonly acme`", true, 1},
		"422":              {flysim.Fault{Status: 422}, "422", "did not accept", false, 1},
		"500":              {flysim.Fault{Status: 500}, "500", "status.flyio.net", false, 4},
		"500 with a token": {flysim.Fault{Status: 500, Body: echo}, "500", "status.flyio.net", false, 4},
		"429":              {flysim.Fault{Status: 429}, "429", "too many requests", false, 4},
		"no answer":        {flysim.Fault{Kind: flysim.Hang}, "no answer in time", "in time", false, 4},
		"a web page":       {flysim.Fault{Kind: flysim.HTML}, "a web page", "proxy", false, 1},
		"no list":          {flysim.Fault{Status: 200, Body: `{"count": 3}`}, "no list of regions", "proxy", false, 1},
		"no such list":     {flysim.Fault{Status: 200, Body: `{"regions": {"ams": 3}}`}, "no list of regions", "proxy", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := tight(t)
			test.fault.Route = routePlacements
			w.Inject(test.fault)
			client := w.client
			if test.fault.Kind == flysim.Hang {
				client = w.dial(Options{Token: secret.New(token), ReadTimeout: 40 * time.Millisecond})
			}
			got, err := client.Capacity(t.Context(), "acme", smallGuest, map[region.Code]int{"ams": 3})
			if err == nil || got != nil || !strings.Contains(err.Error(), "ask for capacity in ams: ") || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v, %v; want %q", got, err, test.want)
			}
			if errors.Is(err, ErrCapacityDenied) != test.denied {
				t.Errorf("denied %t: %v", !test.denied, err)
			}
			if next := strings.Join(hint.Of(err), "\n"); !strings.Contains(next, test.hint) {
				t.Errorf("hints %q, want %q", next, test.hint)
			}
			if n := w.count(routePlacements); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
			leaks(t, err.Error())
		})
	}
	t.Run("bad input, all of it", func(t *testing.T) {
		w := tight(t)
		_, err := w.client.Capacity(t.Context(), "", smallGuest, map[region.Code]int{"ams,any": 1, "EU": 1})
		for _, want := range []string{`"ams,any"`, `"EU"`, "no organization"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %s", err, want)
			}
		}
		if n := len(w.Requests()); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// One refusal is enough: the others are not sent, and the reason is told.
func TestCapacityStopsAtTheFirstRefusal(t *testing.T) {
	w := tight(t)
	w.Inject(flysim.Fault{Route: routePlacements, Status: 403})
	wants := map[region.Code]int{"ams": 1, "arn": 1, "bom": 1, "cdg": 1, "dfw": 1}
	client := w.dial(Options{Token: secret.New(token)})
	client.sleep = func(ctx context.Context, _ time.Duration) error { // the refusal comes within a second
		<-ctx.Done()
		return ctx.Err()
	}
	_, err := client.Capacity(t.Context(), "acme", smallGuest, wants)
	if !errors.Is(err, ErrCapacityDenied) {
		t.Errorf("%v, want a refusal", err)
	}
	if n := w.count(routePlacements); n > placementsBurst {
		t.Errorf("%d requests, want at most %d", n, placementsBurst)
	}
}

func TestCapacityKeepsTheRateLimit(t *testing.T) {
	w := tight(t)
	wants := map[region.Code]int{}
	for _, code := range []region.Code{"ams", "arn", "bom", "cdg", "dfw", "ewr", "fra"} {
		wants[code] = 1
	}
	if _, err := w.client.Capacity(t.Context(), "acme", smallGuest, wants); err != nil {
		t.Fatal(err)
	}
	second := time.Second
	if got := w.slept(); !slices.Equal(got, []time.Duration{second, 2 * second, 3 * second, 4 * second}) {
		t.Errorf("waited %v before the 4th to 7th request", got)
	}
}
