package proof

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/store"
	"github.com/breezeblock/breezeblock/internal/store/storetest"
	"github.com/breezeblock/breezeblock/internal/testserver"
)

// crowds runs a test on both databases.
func crowds(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "") })
	t.Run("postgresql", func(t *testing.T) {
		if testing.Short() {
			t.Skip("a PostgreSQL of its own takes seconds to start; left out with -short")
		}
		test(t, storetest.Postgres(t))
	})
}

// atOnce runs n calls, so many together, and counts their answers by status.
func atOnce(n, together int, call func(i int) (int, error)) (map[int]int, error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	statuses := map[int]int{}
	begin := make(chan struct{})
	next := make(chan int)
	for range together {
		all.Go(func() {
			<-begin
			for i := range next {
				status, err := call(i)
				mu.Lock()
				if statuses[status]++; err != nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	close(begin)
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
	return statuses, failed
}

// Of eight who delete one snapshot at once, one is told 202 and seven that they
// came too late; one job did it.
func TestOneOfEightDeletesWins(t *testing.T) {
	crowds(t, func(t *testing.T, database string) {
		disk, data := fake.New(), filepath.Join(t.TempDir(), "data")
		s := testserver.New(t, testserver.Database(database), testserver.DataDir(data), testserver.Driver(disk),
			testserver.Set("admin-password", secret), testserver.Set("demo-password", secret), testserver.Set("snapshots-per-volume", "256"))
		d := &door{url: s.URL, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
		defer d.client.CloseIdleConnections()
		if err := d.letIn(); err != nil {
			t.Fatal(err)
		}
		const rounds = 5
		snaps, err := registers(d, rounds)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range snaps {
			statuses, err := atOnce(8, 8, func(int) (int, error) {
				status, _, err := d.call(0, "DELETE", "/snapshots/"+id, nil)
				return status, err
			})
			if refused := statuses[400] + statuses[404]; err != nil || statuses[202] != 1 || refused != 7 {
				t.Errorf("answered %v, %v; want one 202 and seven 400 or 404", statuses, err)
			}
		}
		s.Stop()
		if database == "" {
			database = "sqlite:" + filepath.Join(data, "breezeblock.db")
		}
		rows, err := store.Open(t.Context(), store.Config{URL: database, Clock: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for _, id := range snaps {
			on, err := rows.JobsOf(t.Context(), id, 100)
			kinds := map[string]int{}
			for _, job := range on {
				kinds[job.Kind]++
			}
			if err != nil || kinds["snapshot.delete"] != 1 || len(on) != 2 {
				t.Errorf("jobs on the snapshot: %v, %v; want its creation and one deletion", kinds, err)
			}
		}
	})
}

// Of a thousand creations at once under a quota of five hundred, five hundred succeed.
func TestQuotaIsExactUnderACrowd(t *testing.T) {
	crowds(t, func(t *testing.T, database string) {
		d := serve(t, testserver.Database(database))
		const asked, allowed = 1000, 500
		project := d.callers[0].Project
		limits := members{"quota_set": members{"volumes": allowed}}
		if status, text, err := d.call(2, "PUT", "/os-quota-sets/"+project, limits); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s, %v", status, text, err)
		}
		statuses, err := atOnce(asked, 64, func(i int) (int, error) {
			status, _, err := d.call(0, "POST", "/volumes", members{"volume": members{"size": 1, "name": fmt.Sprint(i)}})
			return status, err
		})
		if err != nil || statuses[202] != allowed || statuses[413] != asked-allowed {
			t.Errorf("answered %v, %v; want %d times 202 and %d times 413", statuses, err, allowed, asked-allowed)
		}
		seen, err := d.see()
		if err != nil {
			t.Fatal(err)
		}
		if used := seen.Usage[project][""]; len(seen.Volumes) != allowed || used.Volumes != allowed || used.Gigabytes != allowed {
			t.Errorf("%d volumes are there, and the quota says %+v; want %d", len(seen.Volumes), used, allowed)
		}
	})
}
