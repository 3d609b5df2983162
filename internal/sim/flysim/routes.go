package flysim

import "net/http"

// The routes, as Fault.Route and Request.Route name them.
const (
	routeApps       = "GET /v1/apps"
	routeApp        = "GET /v1/apps/{app}"
	routeIPs        = "GET /v1/apps/{app}/ip_assignments"
	routeVolumes    = "GET /v1/apps/{app}/volumes"
	routeRegions    = "GET /v1/platform/regions"
	routePlacements = "POST /v1/platform/placements"
	routeGraphQL    = "POST /graphql"

	pathMachines    = "/v1/apps/{app}/machines"
	routeMachines   = "GET " + pathMachines
	routeCreate     = "POST " + pathMachines
	pathMachine     = pathMachines + "/{id}"
	routeMachine    = "GET " + pathMachine
	routeUpdate     = "POST " + pathMachine
	routeDelete     = "DELETE " + pathMachine
	routeStart      = "POST " + pathMachine + "/start"
	routeStop       = "POST " + pathMachine + "/stop"
	routeSuspend    = "POST " + pathMachine + "/suspend"
	routeRestart    = "POST " + pathMachine + "/restart"
	routeCordon     = "POST " + pathMachine + "/cordon"
	routeUncordon   = "POST " + pathMachine + "/uncordon"
	routeWait       = "GET " + pathMachine + "/wait"
	routeEvents     = "GET " + pathMachine + "/events"
	pathLease       = pathMachine + "/lease"
	routeLease      = "GET " + pathLease
	routeAcquire    = "POST " + pathLease
	routeRelease    = "DELETE " + pathLease
	pathMetadata    = pathMachine + "/metadata"
	routeMetadata   = "GET " + pathMetadata
	routeMetaKey    = "GET " + pathMetadata + "/{key}"
	routeSetMeta    = "POST " + pathMetadata + "/{key}"
	routeDeleteMeta = "DELETE " + pathMetadata + "/{key}"
)

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for route, handle := range map[string]func(http.ResponseWriter, *http.Request){
		routeApps: s.listApps, routeApp: s.getApp, routeIPs: s.listIPs, routeVolumes: s.listVolumes,
		routeRegions: s.listRegions, routePlacements: s.getPlacements, routeGraphQL: s.graphQL,
		routeCurrent:  s.currentToken,
		routeMachines: s.listMachines, routeCreate: s.createMachine,
		routeMachine: s.getMachine, routeUpdate: s.updateMachine, routeDelete: s.deleteMachine,
		routeStart: s.startMachine, routeStop: s.stopMachine, routeSuspend: s.suspendMachine, routeRestart: s.restartMachine,
		routeCordon: s.cordonMachine, routeUncordon: s.uncordonMachine,
		routeWait: s.waitMachine, routeEvents: s.listEvents,
		routeLease: s.getLease, routeAcquire: s.acquireLease, routeRelease: s.releaseLease,
		routeMetadata: s.getMetadata, routeMetaKey: s.getMetadataKey, routeSetMeta: s.setMetadata, routeDeleteMeta: s.deleteMetadata,
	} {
		mux.HandleFunc(route, handle)
	}
	return mux
}
