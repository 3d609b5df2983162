package flysim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

const token = "FlyV1 fm2_aaaaaaaaaaaaaaaa,fm2_bbbbbbbbbbbbbbbb"

// A site is a simulated Fly.io that listens, with a clock that the test sets.
type site struct {
	*flysim.Server
	t      *testing.T
	url    string
	now    time.Time
	client *http.Client
}

func start(t *testing.T, config flysim.Config) *site {
	t.Helper()
	s := &site{t: t, now: flysim.Epoch, client: http.DefaultClient}
	if config.Clock != nil {
		s.client = &http.Client{Transport: config.Clock.Transport(nil)}
	}
	if config.Now == nil {
		config.Now = func() time.Time { return s.now }
	}
	s.Server = flysim.New(config)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// send sends a request and returns the answer and its decoded JSON.
func (s *site) send(method, path, body string, headers ...string) (*http.Response, any) {
	s.t.Helper()
	resp, text := s.raw(method, path, body, headers...)
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		s.t.Fatalf("%s %s: %q is no JSON: %v", method, path, text, err)
	}
	return resp, value
}

func (s *site) raw(method, path, body string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	resp, text, err := s.try(method, path, body, headers...)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, text
}

func (s *site) try(method, path, body string, headers ...string) (*http.Response, string, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", token)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

// list returns the IDs of a list of Machines.
func (s *site) list(query string) []string {
	s.t.Helper()
	resp, value := s.send("GET", "/v1/apps/shop/machines"+query, "")
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s: %v", query, resp.Status, value)
	}
	ids := []string{}
	for _, m := range value.([]any) {
		ids = append(ids, m.(map[string]any)["id"].(string))
	}
	return ids
}

func TestAnyTokenIsAcceptedButNotNone(t *testing.T) {
	s := start(t, flysim.Config{})
	s.AddApp(flysim.App{Name: "shop"})
	if resp, _ := s.send("GET", "/v1/apps/shop", ""); resp.StatusCode != http.StatusOK || resp.Header.Get("fly-request-id") == "" {
		t.Errorf("with a token: %s, fly-request-id %q", resp.Status, resp.Header.Get("fly-request-id"))
	}
	for _, header := range []string{"", "Bearer", "FlyV1 ", "Basic x"} {
		if resp, _ := s.send("GET", "/v1/apps/shop", "", "Authorization", header); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q: %s", header, resp.Status)
		}
	}
}

func TestSchemeMustFitTheToken(t *testing.T) {
	const query = `{"query":"query ($appName: String!) { app(name: $appName) { egressIpAddresses { nodes { id ip version region updatedAt } } } }","variables":{"appName":"shop"}}`
	tests := []struct {
		name, token, header string
		machines, graphQL   int
	}{
		{"macaroons", token, token, 200, 200},
		{"macaroons in another order", token, "FlyV1 fm2_bbbbbbbbbbbbbbbb,fm2_aaaaaaaaaaaaaaaa", 200, 200},
		{"macaroons as Bearer", token, "Bearer fm2_aaaaaaaaaaaaaaaa,fm2_bbbbbbbbbbbbbbbb", 200, 401},
		{"one of two macaroons", token, "FlyV1 fm2_aaaaaaaaaaaaaaaa", 401, 401},
		{"two schemes", token, "Bearer " + token, 401, 401},
		{"a user's token", "user", "Bearer user", 200, 200},
		{"a user's token as FlyV1", "user", "FlyV1 user", 401, 401},
		{"another token", "user", "Bearer other", 401, 401},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, flysim.Config{Token: test.token})
			s.AddApp(flysim.App{Name: "shop"})
			resp, value := s.send("GET", "/v1/apps/shop", "", "Authorization", test.header)
			if resp.StatusCode != test.machines {
				t.Errorf("Machines API: %s: %v", resp.Status, value)
			}
			if resp.StatusCode == http.StatusUnauthorized && value.(map[string]any)["error"] != "Authenticate: token validation error" {
				t.Errorf("401 says %v", value)
			}
			if resp, value := s.send("POST", "/graphql", query, "Authorization", test.header); resp.StatusCode != test.graphQL {
				t.Errorf("GraphQL: %s: %v", resp.Status, value)
			}
		})
	}
}

func TestAnAppThatIsNotThereIsNotFound(t *testing.T) {
	s := start(t, flysim.Config{})
	for _, path := range []string{"", "/machines", "/machines/1", "/machines/1/lease", "/ip_assignments", "/volumes"} {
		if resp, _ := s.send("GET", "/v1/apps/shop"+path, ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

func TestAppsAreListedByOrganization(t *testing.T) {
	s := start(t, flysim.Config{})
	s.AddApp(flysim.App{Name: "shop", Org: "acme"})
	s.AddApp(flysim.App{Name: "blog"})
	s.AddApp(flysim.App{Name: "api", Org: "acme", Role: "postgres_cluster"})
	_, value := s.send("GET", "/v1/apps?org_slug=acme", "")
	var names []string
	for _, a := range value.(map[string]any)["apps"].([]any) {
		names = append(names, a.(map[string]any)["name"].(string))
	}
	if !slices.Equal(names, []string{"api", "shop"}) {
		t.Errorf("apps of acme: %q", names)
	}
	if resp, _ := s.send("GET", "/v1/apps", ""); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("without org_slug: %s", resp.Status)
	}
}

func TestListsOfMachinesAreFiltered(t *testing.T) {
	s := start(t, flysim.Config{})
	s.AddMachine("shop", flysim.Machine{ID: "a", Region: "ams"})
	s.AddMachine("shop", flysim.Machine{ID: "b", Region: "fra", State: "stopped"})
	s.AddMachine("shop", flysim.Machine{ID: "c", Region: "ams", State: "destroyed"})
	for query, want := range map[string][]string{
		"":                               {"a", "b"},
		"?include_deleted=false":         {"a", "b"},
		"?include_deleted=true":          {"a", "b", "c"},
		"?region=ams":                    {"a"},
		"?state=stopped":                 {"b"},
		"?state=started,stopped":         {"a", "b"},
		"?summary=true":                  {"a", "b"},
		"?region=nrt&include_leases=yes": {},
	} {
		if got := s.list(query); !slices.Equal(got, want) {
			t.Errorf("%q lists %q, want %q", query, got, want)
		}
	}
}

func TestListsComeInPages(t *testing.T) {
	s := start(t, flysim.Config{PageSize: 2})
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		s.AddMachine("shop", flysim.Machine{ID: id, Region: "ams"})
	}
	var got []string
	cursor := ""
	for pages := 1; ; pages++ {
		resp, value := s.send("GET", "/v1/apps/shop/machines?cursor="+cursor, "")
		got = append(got, s.list("?cursor="+cursor)...)
		if n := len(value.([]any)); n > 2 {
			t.Fatalf("a page has %d Machines", n)
		}
		if cursor = resp.Header.Get("fly-next-cursor"); cursor == "" {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
	}
	if !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("the pages hold %q", got)
	}
	for _, query := range []string{"?limit=0", "?limit=1001", "?cursor=x"} {
		if resp, _ := s.send("GET", "/v1/apps/shop/machines"+query, ""); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", query, resp.Status)
		}
	}
}

func TestWhatAMachineTells(t *testing.T) {
	s := start(t, flysim.Config{})
	id := s.AddMachine("shop", flysim.Machine{
		Region: "ams", Cordoned: true, Config: map[string]any{"image": "x", "brand_new": map[string]any{"field": 1}},
		Extra: map[string]any{"host_features": []any{"nvme"}},
		Lease: &flysim.Lease{Owner: "a@b.c", Description: "deploy", Expires: flysim.Epoch.Add(time.Minute)},
	})
	get := func(query string) map[string]any {
		t.Helper()
		_, value := s.send("GET", "/v1/apps/shop/machines/"+id+query, "")
		return value.(map[string]any)
	}
	m := get("")
	if m["cordoned"] != true || m["host_status"] != "ok" || m["host_features"] == nil || m["config"].(map[string]any)["brand_new"] == nil {
		t.Errorf("a field is lost: %v", m)
	}
	if m["lease"] != nil || get("?include_leases=true")["lease"] == nil {
		t.Error("the lease is told without being asked for, or not at all")
	}
	if resp, _ := s.send("GET", "/v1/apps/shop/machines/"+id+"/lease", ""); resp.StatusCode != http.StatusOK {
		t.Errorf("lease: %s", resp.Status)
	}
	s.now = s.now.Add(time.Minute)
	if get("?include_leases=true")["lease"] != nil {
		t.Error("a lease outlives its time")
	}
	if resp, _ := s.send("GET", "/v1/apps/shop/machines/"+id+"/lease", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("lease that ran out: %s", resp.Status)
	}
	s.ChangeMachine("shop", id, func(m *flysim.Machine) { m.HostStatus = "unreachable" })
	if m := get(""); m["config"] != nil || m["incomplete_config"] == nil {
		t.Errorf("the host is unreachable and the configuration complete: %v", m)
	}
}

func TestAnOldAPITellsLess(t *testing.T) {
	s := start(t, flysim.Config{OldAPI: true})
	id := s.AddMachine("shop", flysim.Machine{Region: "ams", Cordoned: true, Lease: &flysim.Lease{Expires: flysim.Epoch.Add(time.Hour)}})
	_, value := s.send("GET", "/v1/apps/shop/machines/"+id+"?include_leases=true", "")
	for _, field := range []string{"cordoned", "lease", "version"} {
		if _, ok := value.(map[string]any)[field]; ok {
			t.Errorf("the old API tells %s", field)
		}
	}
}

func TestRateLimits(t *testing.T) {
	s := start(t, flysim.Config{Limits: true, RetryAfter: true})
	s.AddMachine("shop", flysim.Machine{ID: "a", Region: "ams"})
	s.AddApp(flysim.App{Name: "blog"})
	status := func(path string) int {
		t.Helper()
		resp, _ := s.send("GET", path, "")
		return resp.StatusCode
	}
	allowed := func(path string, want int) {
		t.Helper()
		for n := range want {
			if got := status(path); got != http.StatusOK {
				t.Fatalf("%s, request %d: %d", path, n+1, got)
			}
		}
		if got := status(path); got != http.StatusTooManyRequests {
			t.Errorf("%s, request %d: %d", path, want+1, got)
		}
	}
	allowed("/v1/apps/shop/machines", 3)
	allowed("/v1/apps/shop", 3)
	allowed("/v1/apps/blog", 3)
	allowed("/v1/apps/shop/machines/a", 10)
	if resp, _ := s.send("GET", "/v1/apps/blog", ""); resp.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", resp.Header.Get("Retry-After"))
	}
	s.now = s.now.Add(time.Second)
	allowed("/v1/apps/shop/machines", 1)
	allowed("/v1/apps/shop/machines/a", 5)
	s.now = s.now.Add(time.Hour)
	allowed("/v1/apps/shop/machines", 3)
}

func TestCreate(t *testing.T) {
	const ok = `{"name":"one","region":"fra","config":{"image":"x","newer":true},"lease_ttl":30,"skip_service_registration":true}`
	s := start(t, flysim.Config{ListLag: 2 * time.Second})
	s.AddApp(flysim.App{Name: "shop"})
	post := func(body string) (int, map[string]any) {
		t.Helper()
		resp, value := s.send("POST", "/v1/apps/shop/machines", body)
		return resp.StatusCode, value.(map[string]any)
	}
	status, m := post(ok)
	if status != http.StatusOK || m["region"] != "fra" || m["cordoned"] != true || m["nonce"] == nil || m["state"] != "created" ||
		m["config"].(map[string]any)["newer"] != true {
		t.Errorf("create: %d %v", status, m)
	}
	if got := s.list(""); len(got) != 0 {
		t.Errorf("the list does not lag: %q", got)
	}
	s.now = s.now.Add(2 * time.Second)
	if got := s.list("?state=started"); len(got) != 1 {
		t.Errorf("the Machine is not started: %q", got)
	}
	for name, test := range map[string]struct {
		body, want string
		status     int
	}{
		"a name twice":     {ok, "already_exists: unique machine name violation, machine ID " + m["id"].(string), 409},
		"a retired region": {`{"region":"hkg","config":{"image":"x"}}`, "invalid region", 422},
		"no image":         {`{"region":"fra","config":{}}`, "config.image", 400},
		"no JSON":          {`{`, "invalid JSON", 400},
	} {
		if status, m := post(test.body); status != test.status || !strings.Contains(m["error"].(string), test.want) {
			t.Errorf("%s: %d %v", name, status, m)
		}
	}
	if n := len(s.Machines("shop")); n != 1 {
		t.Errorf("%d Machines", n)
	}
	s.Inject(flysim.Fault{Kind: flysim.WrongRegion, Region: "ams"})
	if _, m := post(`{"region":"fra","config":{"image":"x"}}`); m["region"] != "ams" {
		t.Errorf("it landed in %v", m["region"])
	}
}

func TestFaults(t *testing.T) {
	const list, create = "GET /v1/apps/{app}/machines", "POST /v1/apps/{app}/machines"
	const body = `{"region":"fra","config":{"image":"x"}}`
	tests := []struct {
		name    string
		fault   flysim.Fault
		status  int
		want    string // in the body
		failure error
		made    int // Machines, when the request is a create
	}{
		{"a status", flysim.Fault{Route: create, Status: 503}, 503, `{"error":"Service Unavailable"}`, nil, 0},
		{"a status after the effect", flysim.Fault{Route: create, Status: 502, Done: true}, 502, `{"error":"Bad Gateway"}`, nil, 1},
		{"a body", flysim.Fault{Route: create, Status: 200, Body: `[]`}, 200, `[]`, nil, 0},
		{"a reset", flysim.Fault{Route: create, Kind: flysim.Reset}, 0, "", syscall.ECONNRESET, 0},
		{"a reset after the effect", flysim.Fault{Route: create, Kind: flysim.Reset, Done: true}, 0, "", syscall.ECONNRESET, 1},
		{"a web page", flysim.Fault{Route: create, Kind: flysim.HTML}, 200, "<!DOCTYPE html>", nil, 0},
		{"JSON that ends early", flysim.Fault{Route: create, Kind: flysim.Truncated, Done: true}, 200, `{"`, nil, 1},
		{"another route", flysim.Fault{Route: list, Status: 503}, 200, `"region":"fra"`, nil, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, flysim.Config{})
			s.AddApp(flysim.App{Name: "shop"})
			s.Inject(test.fault)
			resp, text, err := s.try("POST", "/v1/apps/shop/machines", body)
			switch {
			case test.failure != nil && !errors.Is(err, test.failure):
				t.Errorf("got %v, want %v", err, test.failure)
			case test.failure == nil && err != nil:
				t.Error(err)
			case err == nil && (resp.StatusCode != test.status || !strings.Contains(text, test.want)):
				t.Errorf("%s %q", resp.Status, text)
			}
			if made := len(s.Machines("shop")); made != test.made {
				t.Errorf("%d Machines were made", made)
			}
			if n := len(s.Requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}

	t.Run("the second and third request", func(t *testing.T) {
		s := start(t, flysim.Config{})
		s.AddApp(flysim.App{Name: "shop"})
		s.Inject(flysim.Fault{Route: list, From: 2, Times: 2, Status: 429, RetryAfter: "7"})
		var got []int
		for range 4 {
			resp, _ := s.send("GET", "/v1/apps/shop/machines", "")
			got = append(got, resp.StatusCode)
			if resp.StatusCode == 429 && resp.Header.Get("Retry-After") != "7" {
				t.Errorf("Retry-After %q", resp.Header.Get("Retry-After"))
			}
		}
		if !slices.Equal(got, []int{200, 429, 429, 200}) {
			t.Errorf("got %v", got)
		}
	})
	t.Run("an answer that breaks off", func(t *testing.T) {
		s := start(t, flysim.Config{})
		s.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 1}})
		s.Inject(flysim.Fault{Kind: flysim.Cut})
		if _, text, err := s.try("GET", "/v1/apps/shop/machines", ""); err == nil {
			t.Errorf("no error, %q", text)
		}
	})
	t.Run("no answer until the client gives up, and healed", func(t *testing.T) {
		s := start(t, flysim.Config{})
		s.AddApp(flysim.App{Name: "shop"})
		s.Inject(flysim.Fault{Kind: flysim.Hang})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "POST", s.url+"/v1/apps/shop/machines", bytes.NewBufferString(body))
		if _, err := http.DefaultClient.Do(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		s.Heal()
		if resp, _ := s.raw("GET", "/v1/apps/shop", ""); resp.StatusCode != http.StatusOK {
			t.Errorf("healed: %s", resp.Status)
		}
	})
	t.Run("a redirect", func(t *testing.T) {
		s := start(t, flysim.Config{})
		s.AddApp(flysim.App{Name: "shop"})
		s.Inject(flysim.Fault{Kind: flysim.Redirect, Times: 1, Location: "/v1/platform/regions"})
		if resp, text := s.raw("GET", "/v1/apps/shop", ""); resp.StatusCode != http.StatusOK || !strings.Contains(text, "Amsterdam") {
			t.Errorf("%s %.80s", resp.Status, text)
		}
	})
}

func TestGraphQLKnowsOnlyTheQueriesForEgressAddresses(t *testing.T) {
	s := start(t, flysim.Config{})
	s.AddApp(flysim.App{Name: "shop", EgressRegions: []string{"ams", "fra"}})
	id := s.AddMachine("shop", flysim.Machine{Region: "ams", Egress: true})
	query := func(query, app string) string {
		t.Helper()
		body, _ := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"appName": app}})
		_, text := s.raw("POST", "/graphql", string(body))
		return text
	}
	const regional = "query ($appName: String!) {\n app(name: $appName) { egressIpAddresses { nodes { id ip version region updatedAt } } } }"
	const own = "query ($appName: String!) { app(name: $appName) { machines { nodes { id egressIpAddresses { nodes { id ip version region updatedAt } } } } } }"
	for _, test := range []struct{ query, app, want string }{
		{regional, "shop", `"region":"fra"`},
		{own, "shop", `"id":"` + id + `"`},
		{regional, "nope", "Could not find App"},
		{"query { viewer { email } }", "shop", "does not know this query"},
		{"mutation { deleteApp(name: $appName) }", "shop", "does not know this query"},
	} {
		if got := query(test.query, test.app); !strings.Contains(got, test.want) {
			t.Errorf("%s: %s", test.query, got)
		}
	}
}

func TestWebMachinesAreEqualAndHaveTheirOwnConfig(t *testing.T) {
	s := start(t, flysim.Config{})
	ids := s.AddWeb("shop", flysim.Web{
		Group: "web", Regions: map[string]int{"fra": 1, "ams": 2}, SoftLimit: 20, HardLimit: 25, Autostop: "stop", MinRunning: 1,
	})
	s.ChangeMachine("shop", ids[0], func(m *flysim.Machine) { m.Config["schedule"] = "daily" })
	var regions []string
	for i, m := range s.Machines("shop") {
		regions = append(regions, m.Region)
		if m.ID != ids[i] || (m.Config["schedule"] != nil) != (i == 0) {
			t.Errorf("Machine %d: %s, schedule %v", i, m.ID, m.Config["schedule"])
		}
		if env := m.Config["env"].(map[string]any); env["PRIMARY_REGION"] != "ams" || env["FLY_PROCESS_GROUP"] != "web" {
			t.Errorf("environment %v", env)
		}
	}
	if !slices.Equal(regions, []string{"ams", "ams", "fra"}) {
		t.Errorf("regions %q", regions)
	}
}

func TestEveryAnswerIsDelayed(t *testing.T) {
	s := start(t, flysim.Config{Delay: 30 * time.Millisecond})
	before := time.Now()
	s.send("GET", "/v1/platform/regions", "")
	if took := time.Since(before); took < 30*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
}
