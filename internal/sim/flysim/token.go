package flysim

import (
	"slices"
	"strings"
)

// authorized tells whether a request's Authorization is good. Macaroons want
// the scheme FlyV1; the Machines API takes them as Bearer too. Other tokens
// want Bearer.
func (s *Server) authorized(header, route string) bool {
	scheme, token, _ := strings.Cut(header, " ")
	if token == "" || strings.Contains(token, " ") {
		return false
	}
	macaroon := slices.ContainsFunc(strings.Split(token, ","), isMacaroon)
	switch scheme {
	case "FlyV1":
		if !macaroon {
			return false
		}
	case "Bearer":
		if macaroon && route == routeGraphQL {
			return false
		}
	default:
		return false
	}
	return s.config.Token == "" || slices.Equal(tokenParts(s.config.Token), tokenParts(header))
}

func isMacaroon(token string) bool {
	return strings.HasPrefix(token, "fm2_") || strings.HasPrefix(token, "fm1r_") || strings.HasPrefix(token, "fm1a_")
}

// tokenParts returns the comma-separated parts of a token without its scheme,
// in order.
func tokenParts(token string) []string {
	if scheme, rest, ok := strings.Cut(token, " "); ok && (scheme == "FlyV1" || scheme == "Bearer") {
		token = rest
	}
	parts := strings.Split(token, ",")
	slices.Sort(parts)
	return parts
}
