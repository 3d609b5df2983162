package apply_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// A deviation is a place where what is asked of the Machines API is not in its
// description of May 2026. Whatever is not listed here must be as described, and
// what is listed must be needed.
type deviation struct {
	name, reason string
	apply        func(*openapi3.T)
}

var deviations = []deviation{
	{
		"list: include_leases, cursor, limit", "in the description of August 2026: leases on request, and pages with the header fly-next-cursor",
		func(doc *openapi3.T) {
			list := doc.Paths.Find("/apps/{app_name}/machines").Get
			list.AddParameter(openapi3.NewQueryParameter("include_leases").WithSchema(openapi3.NewBoolSchema()))
			list.AddParameter(openapi3.NewQueryParameter("cursor").WithSchema(openapi3.NewStringSchema()))
			list.AddParameter(openapi3.NewQueryParameter("limit").WithSchema(openapi3.NewIntegerSchema().WithMin(1).WithMax(1000)))
		},
	},
	{
		"get: include_leases", "in the description of August 2026",
		func(doc *openapi3.T) {
			doc.Paths.Find("/apps/{app_name}/machines/{machine_id}").Get.AddParameter(
				openapi3.NewQueryParameter("include_leases").WithSchema(openapi3.NewBoolSchema()))
		},
	},
	{
		"config: any field", "a configuration is copied as it is, with fields that are newer than any description",
		func(doc *openapi3.T) {
			yes := true
			doc.Components.Schemas["fly.MachineConfig"].Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &yes}
		},
	},
}

// Every request of every scenario is one that the Machines API's description
// allows, with no parameter and no field that it does not name.
func TestEveryRequestIsAsDescribed(t *testing.T) {
	path := os.Getenv("FLY_MACHINES_OPENAPI")
	if path == "" {
		path = "../../../shared/data/fly-machines-openapi.json"
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("no description of the Machines API: set FLY_MACHINES_OPENAPI to its OpenAPI file (%v)", err)
	}
	requests, seen := []flysim.Request{}, map[string]bool{}
	for _, sc := range scenarios() {
		for _, r := range sc.requests(t) {
			key := strings.Join([]string{r.Method, r.Route, r.Query, string(r.Body)}, " ")
			if !seen[key] {
				requests = append(requests, r)
			}
			seen[key] = true
		}
	}
	for _, problem := range violations(t, text, requests, deviations) {
		t.Error(problem)
	}
	for i, d := range deviations {
		if len(violations(t, text, requests, slices.Delete(slices.Clone(deviations), i, i+1))) == 0 {
			t.Errorf("nothing needs the deviation %q (%s)", d.name, d.reason)
		}
	}
	t.Logf("%d different requests, %d deviations", len(requests), len(deviations))
}

// violations returns what does not fit the description as the deviations change
// it.
func violations(t *testing.T, text []byte, requests []flysim.Request, apply []deviation) []string {
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
	bad := func(r flysim.Request, err error) {
		problems = append(problems, fmt.Sprintf("%s %s?%s: %v", r.Method, r.Path, r.Query, err))
	}
	for _, r := range requests {
		req, err := http.NewRequestWithContext(t.Context(), r.Method, "http://sim"+r.Path+"?"+r.Query, bytes.NewReader(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = r.Header.Clone()
		route, params, err := router.FindRoute(req)
		if err != nil {
			bad(r, err)
			continue
		}
		for name := range req.URL.Query() {
			if route.Operation.Parameters.GetByInAndName("query", name) == nil {
				bad(r, fmt.Errorf("query parameter %q is not described", name))
			}
		}
		if err := openapi3filter.ValidateRequest(t.Context(), &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route}); err != nil {
			bad(r, err)
		}
	}
	return problems
}
