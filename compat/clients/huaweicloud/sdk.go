package main

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/region"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	evs "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/evs/v2"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/evs/v2/model"
)

// vendor is the SDK's client and what its steps made.
type vendor struct {
	*evs.EvsClient
	project          string
	volume, snapshot string
	answered         map[string]bool // by the name of the client's method
}

// ask calls a method of the client and notes that it was answered. The SDK names
// each request after its method.
func ask[Q, A any](v *vendor, method func(*Q) (*A, error), request *Q) (*A, error) {
	answer, err := method(request)
	if err == nil {
		v.answered[strings.TrimSuffix(reflect.TypeFor[Q]().Name(), "Request")] = true
	}
	return answer, err
}

// never tells of the client's methods that no step had an answer from.
func (v *vendor) never() error {
	var missing []string
	for method := range reflect.TypeOf(v.EvsClient).Methods() {
		if !strings.HasSuffix(method.Name, "Invoker") && method.Type.NumIn() == 2 && !v.answered[method.Name] {
			missing = append(missing, method.Name)
		}
	}
	if missing != nil {
		return fmt.Errorf("never answered: %s", strings.Join(missing, ", "))
	}
	return nil
}

// client makes a client whose project the SDK looks up by the region's name.
func (c *cloud) client(access, secret, token string) (*evs.EvsClient, error) {
	credential, err := basic.NewCredentialsBuilder().WithAk(access).WithSk(secret).WithSecurityToken(token).
		WithIamEndpointOverride(c.iam).SafeBuild()
	if err != nil {
		return nil, err
	}
	return build(c, credential)
}

func build(c *cloud, credential auth.ICredential) (*evs.EvsClient, error) {
	hc, err := evs.EvsClientBuilder().WithRegion(region.NewRegion(c.region, c.service)).WithCredential(credential).SafeBuild()
	if err != nil {
		return nil, err
	}
	return evs.NewEvsClient(hc), nil
}

// vendorSteps are what the issue asks of huaweicloud-sdk-go-v3, and each method of
// its client at least once.
func vendorSteps(r *record, c *cloud) {
	v := &vendor{answered: map[string]bool{}}
	if !r.step("sdk: build a client, look up the project", func() (err error) {
		v.EvsClient, err = c.client(c.access, c.secret, "")
		return err
	}) {
		return
	}
	r.step("sdk: a wrong secret is refused as the gateway does", func() error { return wrongSecret(c) })
	r.step("sdk: a temporary key", func() error { return temporaryKey(c) })
	r.step("sdk: versions", v.versions)
	if !r.step("sdk: create a volume, wait for its job", v.createVolume) || !r.step("sdk: create a snapshot", v.createSnapshot) {
		return
	}
	r.step("sdk: zones, types, quotas", v.lookAround)
	r.step("sdk: rename the volume", v.updateVolume)
	r.step("sdk: list volumes", v.listVolumes)
	r.step("sdk: rename and describe the snapshot", v.updateSnapshot)
	r.step("sdk: list snapshots by name", v.listSnapshots)
	r.step("sdk: roll back", v.rollBack)
	r.step("sdk: tag the volume", v.tag)
	r.step("sdk: find volumes by tags, list the project's tags", v.findByTags)
	r.step("sdk: take tags away", v.untag)
	r.step("sdk: an unknown snapshot has a code", v.unknownSnapshot)
	r.step("sdk: what cannot be is refused with a code", v.refusals)
	r.step("sdk: extend", v.extend)
	r.step("sdk: extend many at once", v.extendMany)
	r.step("sdk: change the type", v.retype)
	r.step("sdk: change IOPS and throughput", func() error { return v.changeQoS(c) })
	r.step("sdk: unsubscribe what has no subscription", v.unsubscribe)
	r.step("sdk: another project accepts a volume and gives it back", func() error { return v.transfer(c) })
	r.step("sdk: delete the snapshot", v.deleteSnapshot)
	r.step("sdk: offer a volume, take the offer back", v.withdrawTransfer)
	r.step("sdk: delete the volume into the recycle bin and revert it", func() error { return v.recycle(c.old) })
	r.step("sdk: delete the volume for good", v.deleteVolume)
	r.step("sdk: a throttled call is retried", func() error { return throttled(c) })
	r.step("sdk: every method of the client was answered", v.never)
}

func wrongSecret(c *cloud) error {
	credential, err := basic.NewCredentialsBuilder().WithAk(c.access).WithSk(c.secret + "x").WithProjectId("0").SafeBuild()
	if err != nil {
		return err
	}
	client, err := build(c, credential)
	if err != nil {
		return err
	}
	_, err = client.ListSnapshots(&model.ListSnapshotsRequest{})
	refused, is := err.(*sdkerr.ServiceResponseError)
	if !is || refused.StatusCode != http.StatusUnauthorized || refused.ErrorCode != "APIGW.0301" || refused.RequestId == "" {
		return fmt.Errorf("got %v, want 401 APIGW.0301 with a request id", err)
	}
	return nil
}

func temporaryKey(c *cloud) error {
	var made struct {
		Credential struct{ Access, Secret, Securitytoken string }
	}
	_, err := c.post("/v3.0/OS-CREDENTIAL/securitytokens", map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"token"}, "token": map[string]any{"id": c.token, "duration_seconds": 900}}}}, &made)
	if err != nil {
		return err
	}
	client, err := c.client(made.Credential.Access, made.Credential.Secret, made.Credential.Securitytoken)
	if err != nil {
		return err
	}
	_, err = client.ListVolumes(&model.ListVolumesRequest{})
	return err
}
