package suite

import (
	"slices"
)

// Operation covers one call of the route table, by its name there.
type Operation struct {
	Name string
	// Versions are the API versions it is tried on; nil is v2 and v3.
	Versions []string
	Run      func(t T, e *Env)
}

// TriedOn are the API versions that the operation is tried on.
func (o Operation) TriedOn() []string {
	if o.Versions == nil {
		return []string{"v2", "v3"}
	}
	return o.Versions
}

// Operations are the calls that the suite covers, beside the statements about
// snapshot.update; a test holds them against the route table.
func Operations() []Operation {
	return slices.Concat(nativeOperations(), nativeCreateOperations(), recycleOperations(),
		serviceOperations(), snapshotOperations(), metadataOperations(), volumeOperations(), attachmentOperations(), listOperations(),
		volumeImageOperations(), imageOperations(), transferOperations(), rollbackOperations(), tagOperations(), vendorTagOperations(), standardSnapshotOperations(), snapshotGroupOperations(),
		groupTypeOperations(), groupOperations(), groupSnapshotOperations(), consistencyGroupOperations(),
		signatureOperations(),
		blockOperations(), verifyOperations(), usageOperations(),
		backendOperations(), manageOperations(),
		typeOperations(), qosOperations(), quotaOperations(), backupOperations())
}
