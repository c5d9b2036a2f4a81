package keystone

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// The catalog as administrators list it; it cannot be changed.
type (
	serviceView struct {
		ID          string   `json:"id"`
		Type        string   `json:"type"`
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Enabled     bool     `json:"enabled"`
		Links       selfLink `json:"links"`
	}
	listedEndpoint struct {
		ID        string   `json:"id"`
		ServiceID string   `json:"service_id"`
		Interface string   `json:"interface"`
		Region    string   `json:"region"`
		RegionID  string   `json:"region_id"`
		URL       string   `json:"url"`
		Enabled   bool     `json:"enabled"`
		Links     selfLink `json:"links"`
	}
	regionView struct {
		ID             string   `json:"id"`
		Description    string   `json:"description"`
		ParentRegionID *string  `json:"parent_region_id"`
		Links          selfLink `json:"links"`
	}
)

func (a *API) services(x *wire.Exchange) []serviceView {
	var views []serviceView
	for _, e := range a.porter.Services(a.bases(x)) {
		views = append(views, serviceView{ID: e.ID, Type: e.Type, Name: e.Name, Enabled: true,
			Links: selfLink{a.url(x, "/v3/services/"+e.ID)}})
	}
	return views
}

// listServices serves GET /v3/services.
func (a *API) listServices(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	query := x.Request.URL.Query()
	views := []serviceView{}
	for _, v := range a.services(x) {
		if wants(query.Get("type"), v.Type) && wants(query.Get("name"), v.Name) {
			views = append(views, v)
		}
	}
	return a.replyList(x, "services", views, "")
}

// wants tells whether a filter lets value pass.
func wants(filter, value string) bool { return filter == "" || filter == value }

// showService serves GET /v3/services/{service_id}.
func (a *API) showService(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	id := x.PathValue("service_id")
	for _, v := range a.services(x) {
		if v.ID == id {
			return reply(x, http.StatusOK, struct {
				Service serviceView `json:"service"`
			}{v})
		}
	}
	return identity.Errorf(identity.NotFound, "Could not find service: %s.", id)
}

func (a *API) endpoints(x *wire.Exchange) []listedEndpoint {
	var views []listedEndpoint
	for _, e := range a.porter.Services(a.bases(x)) {
		for _, p := range e.Endpoints {
			views = append(views, listedEndpoint{p.ID, e.ID, p.Interface, p.Region, p.Region, p.URL, true,
				selfLink{a.url(x, "/v3/endpoints/"+p.ID)}})
		}
	}
	return views
}

// listEndpoints serves GET /v3/endpoints.
func (a *API) listEndpoints(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	query := x.Request.URL.Query()
	views := []listedEndpoint{}
	for _, v := range a.endpoints(x) {
		if wants(query.Get("service_id"), v.ServiceID) && wants(query.Get("interface"), v.Interface) &&
			wants(query.Get("region_id"), v.RegionID) {
			views = append(views, v)
		}
	}
	return a.replyList(x, "endpoints", views, "")
}

// showEndpoint serves GET /v3/endpoints/{endpoint_id}.
func (a *API) showEndpoint(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	id := x.PathValue("endpoint_id")
	for _, v := range a.endpoints(x) {
		if v.ID == id {
			return reply(x, http.StatusOK, struct {
				Endpoint listedEndpoint `json:"endpoint"`
			}{v})
		}
	}
	return identity.Errorf(identity.NotFound, "Could not find endpoint: %s.", id)
}

func (a *API) region(x *wire.Exchange) regionView {
	id := a.porter.Region()
	return regionView{ID: id, Links: selfLink{a.url(x, "/v3/regions/"+id)}}
}

// listRegions serves GET /v3/regions.
func (a *API) listRegions(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	return a.replyList(x, "regions", []regionView{a.region(x)}, "")
}

// showRegion serves GET /v3/regions/{region_id}.
func (a *API) showRegion(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if id := x.PathValue("region_id"); id != a.porter.Region() {
		return identity.Errorf(identity.NotFound, "Could not find region: %s.", id)
	}
	return reply(x, http.StatusOK, struct {
		Region regionView `json:"region"`
	}{a.region(x)})
}
