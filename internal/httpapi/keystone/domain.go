package keystone

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// listDomains serves GET /v3/domains.
func (a *API) listDomains(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	p, err := readPage(x)
	if err != nil {
		return err
	}
	domains, err := a.porter.Domains(x.Context(), identity.DomainList{
		Name: x.Request.URL.Query().Get("name"), Marker: p.marker, Limit: p.limit,
	})
	if err != nil {
		return err
	}
	views, last := make([]domainView, 0, len(domains)), ""
	for _, d := range domains {
		views, last = append(views, a.viewDomain(x, d)), d.ID
	}
	return a.replyList(x, "domains", views, p.next(x, len(views), last))
}

// showDomain serves GET /v3/domains/{domain_id}: any for an administrator, for
// others their own.
func (a *API) showDomain(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	id := x.PathValue("domain_id")
	if !caller.Admin && id != callerDomain(x) {
		return forbidden(x)
	}
	domain, err := a.porter.Domain(x.Context(), id)
	if err != nil {
		return err
	}
	return reply(x, http.StatusOK, struct {
		Domain domainView `json:"domain"`
	}{a.viewDomain(x, domain)})
}
