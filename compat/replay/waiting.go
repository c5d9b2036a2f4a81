package replay

// later is why a row waits.
const later = "later issue"

// waiting are the rows of calls that are not built yet. A row leaves the table
// with the issue that builds its call.
var waiting = map[string]string{}

// variesInOrder are rows whose list is ordered by ids that each run draws anew.
// Source: recordings/README.md. The other rows named there are stable here: our
// times have microseconds, so the newest volume is always the same one.
var variesInOrder = map[string]bool{
	"list-sort-id":        true,
	"list-sort-volume_id": true,
}

// races are rows whose answer depends on how fast slow work is: the other status
// that is as right as the recorded one. Source: the row's own note.
var races = map[string]int{
	"delete-show-right-after": 404,
}
