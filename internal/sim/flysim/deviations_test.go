package flysim_test

import "github.com/getkin/kin-openapi/openapi3"

// A deviation is a place where the Machines API is known to differ from its
// description of May 2026. Whatever is not listed here must be as described,
// and what is listed must be needed.
type deviation struct {
	name, reason string
	apply        func(*openapi3.T)
}

var deviations = []deviation{
	{
		"list: include_leases, cursor and limit", "in the description of August 2026: leases on request, and pages with the header fly-next-cursor",
		func(doc *openapi3.T) {
			list := doc.Paths.Find("/apps/{app_name}/machines").Get
			list.AddParameter(openapi3.NewQueryParameter("include_leases").WithSchema(openapi3.NewBoolSchema()))
			list.AddParameter(openapi3.NewQueryParameter("cursor").WithSchema(openapi3.NewStringSchema()))
			list.AddParameter(openapi3.NewQueryParameter("limit").WithSchema(openapi3.NewIntegerSchema().WithMin(1).WithMax(1000)))
		},
	},
	{
		"list: metadata.{key}", "in the description of August 2026: a filter for each key",
		func(doc *openapi3.T) {
			doc.Paths.Find("/apps/{app_name}/machines").Get.AddParameter(
				openapi3.NewQueryParameter("metadata.fly_process_group").WithSchema(openapi3.NewStringSchema()))
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
		"destroy: kill", "fly-go v0.9.3 says kill where the description says force",
		func(doc *openapi3.T) {
			doc.Paths.Find("/apps/{app_name}/machines/{machine_id}").Delete.AddParameter(
				openapi3.NewQueryParameter("kill").WithSchema(openapi3.NewBoolSchema()))
		},
	},
	{
		"restart: force_stop", "fly-go v0.9.3 always sends it",
		func(doc *openapi3.T) {
			doc.Paths.Find("/apps/{app_name}/machines/{machine_id}/restart").Post.AddParameter(
				openapi3.NewQueryParameter("force_stop").WithSchema(openapi3.NewBoolSchema()))
		},
	},
	{
		"stop: id", "fly-go v0.9.3 sends the Machine's ID in the body, too",
		func(doc *openapi3.T) { property(doc, "StopRequest", "id", openapi3.NewStringSchema()) },
	},
	{
		"lease: ttl in the query, no body", "fly-go v0.9.3 asks for leases so",
		func(doc *openapi3.T) {
			acquire := doc.Paths.Find("/apps/{app_name}/machines/{machine_id}/lease").Post
			acquire.AddParameter(openapi3.NewQueryParameter("ttl").WithSchema(openapi3.NewIntegerSchema()))
			acquire.RequestBody.Value.Required = false
		},
	},
	{
		"Machine: cordoned, version", "in the description of August 2026; fly-go v0.9.3 reads both",
		func(doc *openapi3.T) {
			property(doc, "Machine", "cordoned", openapi3.NewBoolSchema())
			property(doc, "Machine", "version", openapi3.NewStringSchema())
		},
	},
	{
		"Machine: lease", "in the description of August 2026: owner, description and expires_at, never the nonce",
		func(doc *openapi3.T) {
			property(doc, "Machine", "lease", openapi3.NewObjectSchema().WithoutAdditionalProperties().
				WithProperty("owner", openapi3.NewStringSchema()).
				WithProperty("description", openapi3.NewStringSchema()).
				WithProperty("expires_at", openapi3.NewIntegerSchema()))
		},
	},
	{
		"Machine: config may be null", "fly-go's Machine says so of hosts that are not ok",
		func(doc *openapi3.T) { nullable(doc, "Machine", "config") },
	},
	{
		"Volume: attached_machine_id and attached_alloc_id may be null", "fly-go reads them as pointers; real answers hold null",
		func(doc *openapi3.T) {
			nullable(doc, "Volume", "attached_machine_id")
			nullable(doc, "Volume", "attached_alloc_id")
		},
	},
	{
		"Service: autostop may be a boolean", "the description's own words: the API goes on using booleans for off and stop",
		func(doc *openapi3.T) {
			word := schema(doc, "fly.MachineService").Properties["autostop"].Value
			property(doc, "fly.MachineService", "autostop", openapi3.NewOneOfSchema(word, openapi3.NewBoolSchema()))
		},
	},
	{
		"App: app_role", "fly-go v0.9.3 reads it; it tells Postgres clusters from other apps",
		func(doc *openapi3.T) { property(doc, "App", "app_role", openapi3.NewStringSchema()) },
	},
	{
		"Lease: wrapped in status and data", "fly-go v0.9.3 reads the lease from there",
		func(doc *openapi3.T) {
			path := doc.Paths.Find("/apps/{app_name}/machines/{machine_id}/lease")
			for status, operation := range map[string]*openapi3.Operation{"200": path.Get, "201": path.Post} {
				operation.Responses.Value(status).Value.Content["application/json"].Schema = openapi3.NewSchemaRef("",
					openapi3.NewObjectSchema().WithoutAdditionalProperties().
						WithProperty("status", openapi3.NewStringSchema()).
						WithPropertyRef("data", doc.Components.Schemas["Lease"]))
			}
		},
	},
	{
		"errors of any status", "the description names only successes for most paths; the body is the one of its ErrorResponse",
		func(doc *openapi3.T) {
			failure := openapi3.NewResponse().WithDescription("error").WithJSONSchemaRef(doc.Components.Schemas["ErrorResponse"])
			for _, path := range doc.Paths.Map() {
				for _, operation := range path.Operations() {
					operation.Responses.Set("default", &openapi3.ResponseRef{Value: failure})
				}
			}
		},
	},
}

func schema(doc *openapi3.T, name string) *openapi3.Schema { return doc.Components.Schemas[name].Value }

func property(doc *openapi3.T, name, field string, s *openapi3.Schema) {
	schema(doc, name).Properties[field] = openapi3.NewSchemaRef("", s)
}

// nullable replaces a field by a copy that may be null: the field may refer to
// a schema that others use.
func nullable(doc *openapi3.T, name, field string) {
	s := *schema(doc, name).Properties[field].Value
	s.Nullable = true
	property(doc, name, field, &s)
}
