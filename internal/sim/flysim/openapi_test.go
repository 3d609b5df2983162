package flysim_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/flyapi"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/secret"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// An exchange is a request and its answer.
type exchange struct {
	request *http.Request
	body    []byte
	answer  *http.Response
	text    []byte
}

func TestRequestsAndAnswersFitTheDescription(t *testing.T) {
	path := os.Getenv("FLY_MACHINES_OPENAPI")
	if path == "" {
		path = "../../../../shared/data/fly-machines-openapi.json"
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("no description of the Machines API: set FLY_MACHINES_OPENAPI to its OpenAPI file (%v)", err)
	}
	exchanges := scenario(t)
	if problems := violations(t, text, exchanges, deviations); len(problems) > 0 {
		t.Errorf("%d exchanges, problems:\n%s", len(exchanges), strings.Join(problems, "\n"))
	}
	for i, d := range deviations {
		others := slices.Delete(slices.Clone(deviations), i, i+1)
		if len(violations(t, text, exchanges, others)) == 0 {
			t.Errorf("nothing needs the deviation %q (%s)", d.name, d.reason)
		}
	}
}

// scenario lets the real client and a few plain requests run through all that
// the server knows, and returns what went over the wire to the Machines API.
func scenario(t *testing.T) []exchange {
	t.Helper()
	sim := flysim.New(flysim.Config{PageSize: 2, Token: token, Capacity: map[string]int{"jnb": 0}})
	sim.AddApp(flysim.App{
		Name: "shop", Org: "acme", Role: "postgres_cluster", EgressRegions: []string{"ams"},
		Volumes: []flysim.Volume{{ID: "vol_1", Name: "data", Region: "ams", Machine: "m1"}, {ID: "vol_2", Name: "data", Region: "fra"}},
	})
	web := flysim.Web{Group: "web", Regions: map[string]int{"ams": 2, "fra": 1}, SoftLimit: 20, HardLimit: 25}
	sim.AddWeb("shop", web)
	m := flysim.Web{Autostop: "suspend"}.Machine("ams")
	m.ID, m.Egress, m.Lease = "m1", true, &flysim.Lease{Owner: "a@b.c", Description: "deploy", Expires: flysim.Epoch.Add(time.Hour)}
	sim.AddMachine("shop", m)
	m = web.Machine("fra")
	m.HostStatus = "unreachable"
	sim.AddMachine("shop", m)

	var exchanges []exchange
	record := make(chan exchange, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		recorder := httptest.NewRecorder()
		sim.ServeHTTP(recorder, r)
		answer := recorder.Result()
		text, _ := io.ReadAll(answer.Body)
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			record <- exchange{r.Clone(t.Context()), body, answer, text}
		}
		maps.Copy(w.Header(), answer.Header)
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write(text)
	}))
	defer server.Close()

	client, err := flyapi.New(t.Context(), flyapi.Options{APIURL: server.URL, Token: secret.New(token)})
	if err != nil {
		t.Fatal(err)
	}
	if app, err := client.App(t.Context(), "shop"); err != nil || len(app.Machines) != 5 || len(app.Unread) != 0 {
		t.Fatalf("%+v, %v", app, err)
	}
	if _, err := client.Regions(t.Context()); err != nil {
		t.Fatal(err)
	}
	guest := price.Guest{CPUKind: "performance", CPUs: 1, MemoryMB: 2048}
	if room, err := client.Capacity(t.Context(), "acme", guest, map[region.Code]int{"ams": 2, "fra": 1}); err != nil || room["ams"] != 2 {
		t.Fatalf("%v, %v", room, err)
	}
	if _, err := client.Org(t.Context(), "nope"); err == nil {
		t.Fatal("an app that is not there was read")
	}
	for _, id := range []string{"m2", "m3", "m4"} {
		m := flysim.Web{}.Machine("ams")
		m.ID = id
		sim.AddMachine("shop", m)
	}
	for _, r := range []struct{ method, path, body string }{
		{"GET", "/tokens/current", ""},
		{"GET", "/apps?org_slug=acme", ""},
		{"GET", "/apps/shop/machines?summary=true&region=ams&state=started", ""},
		{"GET", "/apps/shop/machines/m1", ""},
		{"GET", "/apps/shop/machines/m1/lease", ""},
		{"POST", "/apps/shop/machines", `{"name":"fp-1","region":"fra","config":{"image":"x"},"lease_ttl":30,"skip_launch":true,"skip_secrets":false,"skip_service_registration":true}`},
		{"POST", "/apps/shop/machines", `{"name":"fp-1","region":"fra","config":{"image":"x"}}`},
		{"GET", "/apps/shop/machines?metadata.fly_process_group=web", ""},
		{"GET", "/apps/shop/machines/m1?include_leases=true", ""},
		{"POST", "/apps/shop/machines/m1/cordon", ""},
		{"POST", "/apps/shop/machines/m2", `{"config":{"image":"x"},"current_version":"old"}`},
		{"POST", "/apps/shop/machines/m2", `{"config":{"image":"x"},"skip_secrets":false,"lease_ttl":0}`},
		{"GET", "/apps/shop/machines/m2/wait?timeout=60", ""},
		{"GET", "/apps/shop/machines/m2/wait?state=started&state=failed", ""},
		{"GET", "/apps/shop/machines/m2/wait?state=stopped", ""},
		{"GET", "/apps/shop/machines/m2/events?limit=3", ""},
		{"POST", "/apps/shop/machines/m2/cordon", ""},
		{"POST", "/apps/shop/machines/m2/uncordon", ""},
		{"POST", "/apps/shop/machines/m2/metadata/fly_placer_retire", `{"value":"d"}`},
		{"GET", "/apps/shop/machines/m2/metadata", ""},
		{"GET", "/apps/shop/machines/m2/metadata/fly_placer_retire", ""},
		{"DELETE", "/apps/shop/machines/m2/metadata/fly_placer_retire", ""},
		{"GET", "/apps/shop/machines/m2/metadata/fly_placer_retire", ""},
		{"POST", "/apps/shop/machines/m2/suspend", ""},
		{"POST", "/apps/shop/machines/m2/start", ""},
		{"POST", "/apps/shop/machines/m2/restart?timeout=1ns&signal=SIGTERM", ""},
		{"POST", "/apps/shop/machines/m2/restart?force_stop=true", ""},
		{"POST", "/apps/shop/machines/m2/stop", `{"signal":"SIGKILL","timeout":"1s"}`},
		{"POST", "/apps/shop/machines/m2/stop", `{"id":"m2","signal":"SIGKILL","timeout":"0s"}`},
		{"POST", "/apps/shop/machines/m2/stop", ""},
		{"POST", "/apps/shop/machines/m2/lease", `{"ttl":30,"description":"x"}`},
		{"DELETE", "/apps/shop/machines/m2?force=true", ""},
		{"POST", "/apps/shop/machines/m3/lease?ttl=30", ""},
		{"DELETE", "/apps/shop/machines/m4?force=false", ""},
		{"DELETE", "/apps/shop/machines/m4?kill=true", ""},
		{"GET", "/apps/shop/machines?include_deleted=true", ""},
		{"POST", "/apps/shop/machines", `{"name":"fp-2","region":"jnb","config":{"image":"x"}}`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), r.method, server.URL+"/v1"+r.path, strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", token)
		if r.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	changeMachines(t, client)
	for range len(record) {
		exchanges = append(exchanges, <-record)
	}
	return exchanges
}

// changeMachines lets the real client make every call that it can.
func changeMachines(t *testing.T, client *flyapi.Client) {
	t.Helper()
	machines, err := client.List(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	source := machines[slices.IndexFunc(machines, func(m apply.Machine) bool { return m.Raw != nil })]
	c := apply.Call{Action: apply.Create, App: "shop", Name: "fp-3", Region: "fra", Config: source.Raw, TTL: 30 * time.Second}
	made, err := client.Do(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	c = apply.Call{
		App: "shop", Machine: made.Machine.ID, Nonce: made.Nonce, TTL: 30 * time.Second,
		Key: "fly_placer_retire", Value: "d", States: []string{"started", "failed"}, Version: made.Machine.Version, Timeout: time.Second,
	}
	for _, action := range []apply.Action{
		apply.Await, apply.Renew, apply.Uncordon, apply.Mark, apply.Unmark, apply.Cordon, apply.Stop, apply.Release, apply.Lease,
	} {
		c.Action = action
		answer, err := client.Do(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if action == apply.Lease {
			c.Nonce = answer.Nonce
		}
	}
	c.Signal, c.Timeout, c.Action = "", 0, apply.Stop // as it is configured
	if _, err := client.Do(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	c.Action = apply.Destroy
	if _, err := client.Do(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(t.Context(), "shop", source.ID); err != nil {
		t.Fatal(err)
	}
}

// violations returns what does not fit the description as the deviations
// change it. Fields and query parameters that it does not name do not fit.
func violations(t *testing.T, text []byte, exchanges []exchange, apply []deviation) []string {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Components.Schemas {
		if s.Value.Type.Is("object") && s.Value.AdditionalProperties.Schema == nil && len(s.Value.Properties) > 0 {
			s.Value.WithoutAdditionalProperties()
		}
	}
	for _, d := range apply {
		d.apply(doc)
	}
	// The file gives two operations the same ID, which no router takes.
	if metadata := doc.Paths.Find("/apps/{app_name}/machines/{machine_id}/metadata"); metadata != nil && metadata.Put != nil {
		metadata.Put.OperationID = ""
	}
	doc.Servers = openapi3.Servers{{URL: "http://sim/v1"}}
	router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation())
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	for _, x := range exchanges {
		if err := validate(t, router, x); err != nil {
			problems = append(problems, fmt.Sprintf("%s %s: %v", x.request.Method, x.request.URL.RequestURI(), err))
		}
	}
	return problems
}

func validate(t *testing.T, router routers.Router, x exchange) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), x.request.Method, "http://sim"+x.request.URL.RequestURI(), bytes.NewReader(x.body))
	if err != nil {
		return err
	}
	req.Header = x.request.Header.Clone()
	if len(x.body) == 0 {
		req.Body = http.NoBody
	}
	route, params, err := router.FindRoute(req)
	if err != nil {
		return err
	}
	for name := range req.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			return fmt.Errorf("query parameter %q is not described", name)
		}
	}
	input := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route}
	if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
		return err
	}
	return openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: x.answer.StatusCode, Header: x.answer.Header,
		Body:    io.NopCloser(bytes.NewReader(x.text)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
}
