package flysim_test

import (
	"encoding/json"
	"testing"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

func TestPlacementsFillTheRegionsInOrder(t *testing.T) {
	s := start(t, flysim.Config{Capacity: map[string]int{"sjc": 1, "gru": 0}})
	s.AddApp(flysim.App{Name: "shop", Org: "acme"})
	for _, tt := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"org_slug":"acme","region":"ams","count":3}`, 200, `[{"concurrency":3,"count":3,"region":"ams"}]`},
		{`{"org_slug":"acme","region":"sjc","count":3}`, 200, `[{"concurrency":1,"count":1,"region":"sjc"}]`},
		{`{"org_slug":"acme","region":"sjc,lax,ams","count":3}`, 200, `[{"concurrency":1,"count":1,"region":"sjc"},{"concurrency":2,"count":2,"region":"lax"}]`},
		{`{"org_slug":"acme","region":"gru","count":1,"compute":{"cpu_kind":"shared","cpus":1,"memory_mb":256}}`, 200, `[]`},
		{`{"org_slug":"acme","count":1}`, 200, `[{"concurrency":1,"count":1,"region":"iad"}]`},
		{`{"org_slug":"acme","region":"gru,any","count":1}`, 200, `[{"concurrency":1,"count":1,"region":"ams"}]`},
		{`{"org_slug":"acme","region":"sjc"}`, 200, `[{"concurrency":1,"count":1,"region":"sjc"}]`},
		{`{"org_slug":"acme","region":"waw","count":1}`, 422, ""},
		{`{"org_slug":"acme","region":"ams","count":1,"compute":{"cpu_kind":"shared","cpus":0,"memory_mb":256}}`, 422, ""},
		{`{"org_slug":"acme","region":"ams","count":-1}`, 422, ""},
		{`{"org_slug":"other","region":"ams","count":1}`, 404, ""},
		{`{"region":"ams","count":1}`, 404, ""},
		{`{`, 400, ""},
	} {
		resp, value := s.send("POST", "/v1/platform/placements", tt.body)
		var got []byte
		if object, ok := value.(map[string]any); ok && object["regions"] != nil {
			got, _ = json.Marshal(object["regions"])
		}
		if resp.StatusCode != tt.status || string(got) != tt.want {
			t.Errorf("%s: %d %s, want %d %s", tt.body, resp.StatusCode, got, tt.status, tt.want)
		}
	}
}
