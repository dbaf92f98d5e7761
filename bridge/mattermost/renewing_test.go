package mattermost_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"causeway/bridge"
	sim "causeway/contrib/sim/mattermost"
)

func TestManyRenewOnce(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.join()
	c.must(c.account.Verify(t.Context(), c.alice()))
	c.sim.ExpireAccess("alice")
	c.sim.ForgetRequests()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := c.account.Post(t.Context(), c.as("many at once")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := c.sim.Counts()["POST /oauth/access_token"]; got != 1 || c.vault.Renews() != 1 {
		t.Errorf("%d renewals, %d stored", got, c.vault.Renews())
	}
	c.connectAgain() // a restart finds what was stored
	_, err := c.account.Post(t.Context(), c.as("after a restart"))
	c.must(err)
}

func TestARenewedTokenThatCannotBeStoredIsNotLost(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.join()
	c.sim.ExpireAccess("alice")
	c.vault.Fail(errors.New("the disk is full"))
	for range 2 {
		_, err := c.account.Post(t.Context(), c.as("x"))
		c.wants(err, bridge.Transient, bridge.ScopePerson)
	}
	if posts := c.sim.Posts(c.channel); len(posts) != 0 {
		t.Errorf("written with a token that is not on disk: %+v", posts)
	}
	c.vault.Fail(nil)
	_, err := c.account.Post(t.Context(), c.as("x"))
	c.must(err)
	if got := c.sim.Counts()["POST /oauth/access_token"]; got != 2 { // the code, and one renewal
		t.Errorf("%d exchanges", got)
	}
}

func TestWhatCouldNotBeStoredGivesWayToWhatIsGivenAnew(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.join()
	c.sim.ExpireAccess("alice")
	c.vault.Fail(errors.New("the disk is full"))
	_, err := c.account.Post(t.Context(), c.as("x"))
	c.wants(err, bridge.Transient, bridge.ScopePerson)
	c.vault.Fail(nil)
	c.sim.RevokeTokensOf("alice") // then she connects again
	c.join()
	given, err := c.vault.Load(t.Context(), bridge.PersonGrant(c.alice()))
	c.must(err)
	_, err = c.account.Post(t.Context(), c.as("x"))
	c.must(err)
	kept, err := c.vault.Load(t.Context(), bridge.PersonGrant(c.alice()))
	c.must(err)
	if string(kept) != string(given) {
		t.Error("what she has given is not kept any more")
	}
}

func TestACrashWhileRenewing(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.join()
	c.sim.ExpireAccess("alice")
	c.vault.Fail(errors.New("the disk is full"))
	_, err := c.account.Post(t.Context(), c.as("x"))
	c.wants(err, bridge.Transient, bridge.ScopePerson)
	c.vault.Fail(nil)
	c.connectAgain() // what was renewed died with the process
	_, err = c.account.Post(t.Context(), c.as("x"))
	c.wants(err, bridge.Unauthorised, bridge.ScopePerson)
}

func TestDisconnectedWhileRenewing(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.join()
	_, err := c.account.Post(t.Context(), c.as("x"))
	c.must(err)
	c.sim.ExpireAccess("alice")
	hold := c.sim.Inject(sim.Fault{Method: "POST", Path: "/oauth/access_token", Status: 503})
	_, err = c.account.Post(t.Context(), c.as("x"))
	c.wants(err, bridge.Transient, bridge.ScopePerson)
	hold.Cancel()
	vault := &deletingVault{Vault: c.vault}
	c.withVault(vault)
	_, err = c.account.Post(t.Context(), c.as("x"))
	c.wants(err, bridge.Unauthorised, bridge.ScopePerson)
	if c.sim.Authorized("alice") != 0 {
		t.Error("the renewed token was not given back")
	}
}

// deletingVault forgets what it is asked to renew: the person disconnects in that moment.
type deletingVault struct{ bridge.Vault }

func (v *deletingVault) Renew(ctx context.Context, name string, value []byte) (bool, error) {
	if err := v.Delete(ctx, name); err != nil {
		return false, err
	}
	return v.Vault.Renew(ctx, name, value)
}

func TestAnotherInstanceWasFirst(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.join()
	_, err := c.account.Post(t.Context(), c.as("x"))
	c.must(err)
	other := c.account
	c.connectAgain()
	c.sim.ExpireAccess("alice")
	_, err = c.account.Post(t.Context(), c.as("renewed here"))
	c.must(err)
	_, err = other.Post(t.Context(), c.as("and known there"))
	c.must(err)
	if c.vault.Renews() != 1 {
		t.Errorf("%d renewals", c.vault.Renews())
	}
}

// Two instances renew at the same moment: the one that came too late waits until the other has stored what it got.
func TestTheSlowerOfTwoInstancesWaits(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.join()
	c.endIn("1m")
	name := bridge.PersonGrant(c.alice())
	old, err := c.vault.Load(t.Context(), name)
	c.must(err)
	other := c.account
	_, err = other.Post(t.Context(), c.as("renewed there"))
	c.must(err)
	renewed, err := c.vault.Load(t.Context(), name)
	c.must(err)
	late := &lateVault{Vault: c.vault, name: name, old: old, looks: 2}
	c.withVault(late)
	_, err = c.account.Post(t.Context(), c.as("and here"))
	c.must(err)
	now, err := c.vault.Load(t.Context(), name)
	c.must(err)
	if string(now) != string(renewed) || late.looks != 0 {
		t.Errorf("%d looks are left, and the grant was replaced: %t", late.looks, string(now) != string(renewed))
	}
}

// lateVault shows what was stored before for some looks more.
type lateVault struct {
	bridge.Vault
	name  string
	old   []byte
	looks int
}

func (v *lateVault) Load(ctx context.Context, name string) ([]byte, error) {
	if name == v.name && v.looks > 0 {
		v.looks--
		return v.old, nil
	}
	return v.Vault.Load(ctx, name)
}

func TestVerifyRenewsInTime(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.join()
	c.must(c.account.Verify(t.Context(), c.alice()))
	if c.vault.Renews() != 0 {
		t.Error("a token of 30 days was renewed")
	}
	c.endIn("20h")
	c.connectAgain()
	c.must(c.account.Verify(t.Context(), c.alice()))
	if c.vault.Renews() != 1 {
		t.Errorf("a token that ends tomorrow was renewed %d times", c.vault.Renews())
	}
	c.must(c.account.Verify(t.Context(), c.alice()))
	if c.vault.Renews() != 1 {
		t.Error("the renewed token was renewed again")
	}
}
