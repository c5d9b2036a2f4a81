"""Every volume command of Debian's openstack client (python3-openstackclient)."""
import contextlib
import importlib.metadata
import io
import json

import cinderclient.v3.client  # noqa: F401: what each command would load is loaded once
import cliff.lister
import cliff.show

import harness
from harness import Refused, being, until, want
from notbuilt import NOT_BUILT
from openstackclient import shell

# As high as the client's commands ask for and the dialect serves.
VERSION = '3.70' if harness.DIALECT == 'cinder' else '3.50'

ENTRIES = {e.name.replace('_', ' '): e
           for e in importlib.metadata.entry_points().select(group='openstack.volume.v3')}

LEFT = {
    'volume group show': "a fault of this client, against any server: 'GroupManager' object has no attribute 'show'",
    'volume group snapshot show': "a fault of this client, against any server: 'GroupManager' object has no attribute 'show'",
    'volume group type show': "a fault of this client, against any server: 'Namespace' object has no attribute 'group'",
    'block storage resource filter show': "a fault of this client, against any server: 'ListWithMeta' object is not an iterator",
}
WAITING = {  # what each group of commands needs
    'attachments': ['volume attachment '],
    'backups': ['volume backup '],
    'groups': ['volume group ', 'consistency group '],
    'qos': ['volume qos '],
    'retype': ['volume migrate'],
    'types': ['volume type create', 'volume type delete', 'volume type set', 'volume type unset'],
}
for noun, prefixes in WAITING.items():
    if noun in NOT_BUILT:
        LEFT.update({c: 'not built yet: ' + noun for c in ENTRIES for p in prefixes if c.startswith(p)})

harness.become('openrc')
with contextlib.redirect_stdout(io.StringIO()):
    shell.OpenStackShell().run(['command', 'list', '--group', 'openstack.volume.v3'])
run = harness.Run('openstack', ENTRIES, LEFT)


def o(command, *arguments, version=VERSION):
    """Runs a command; what it prints as JSON, if it is one that shows something."""
    run.use(command)
    argv = ['--os-volume-api-version', version, *command.split(), *arguments]
    if issubclass(ENTRIES[command].load(), (cliff.lister.Lister, cliff.show.ShowOne)):
        argv += ['-f', 'json']
    status, out = harness.forked(lambda: shell.OpenStackShell().run(argv))
    if status:
        raise Refused(out)
    return json.loads(out) if out.strip().startswith(('{', '[')) else out


def refused(text, command, *arguments):
    try:
        got = o(command, *arguments)
    except Refused as no:
        want(text in str(no), no)
    else:
        raise AssertionError('%s %s was not refused: %s' % (command, arguments, got))


def ready(kind, name, status='available'):
    return until(lambda: (lambda x: x['status'] == status and x)(o(kind + ' show', name)), '%s %s %s' % (kind, name, status))


def snapshot(name, of, *arguments):
    # From 3.66 on force may not be sent, which this client always does.
    made = o('volume snapshot create', '--volume', of, *arguments, name, version='3.50')
    return ready('volume snapshot', made['id'])


def gone(kind, name):
    def asked():
        try:
            o(kind + ' show', name)
        except Refused:
            return True
        return False
    until(asked, '%s %s gone' % (kind, name))


def volume(name, *arguments):
    made = o('volume create', '--size', '1', *arguments, name)
    return ready('volume', made['id'])


def needs(*nouns):
    """The step waits until these nouns are built."""
    def take(function):
        if not NOT_BUILT & set(nouns):
            run.step(function)
        return function
    return take


@needs()
def volumes():
    """volumes: create from nothing, snapshot and volume, set, unset, show, list, delete"""
    first = volume('first', '--description', 'one', '--property', 'a=b')
    want(first['properties'] == {'a': 'b'} and first['size'] == 1, first)
    o('volume set', '--name', 'second', '--description', 'two', '--property', 'c=d', '--size', '2', first['id'])
    until(lambda: o('volume show', 'second')['size'] == 2, 'extended')
    o('volume unset', '--property', 'a', 'second')
    now = ready('volume', 'second')
    want(now['properties'] == {'c': 'd'} and now['description'] == 'two', now)
    o('volume set', '--bootable', '--read-only', 'second')
    want(o('volume show', 'second')['bootable'] in ('true', True), 'not bootable')
    snap = snapshot('snap', 'second', '--description', 'd', '--property', 'x=y')
    want(snap['properties'] == {'x': 'y'} and snap['volume_id'] == first['id'], snap)
    copy = ready('volume', o('volume create', '--snapshot', 'snap', 'copy')['id'])
    want(copy['size'] == 2 and copy['snapshot_id'] == snap['id'], copy)
    clone = ready('volume', o('volume create', '--source', 'second', 'clone')['id'])
    want(clone['source_volid'] == first['id'], clone)
    want({v['Name'] for v in o('volume list', '--long')} == {'second', 'copy', 'clone'}, 'another list')
    want([v['Name'] for v in o('volume list', '--name', 'copy', '--status', 'available')] == ['copy'], 'another list')
    o('volume snapshot set', '--name', 'snap2', '--property', 'z=1', 'snap')
    o('volume snapshot unset', '--property', 'x', 'snap2')
    want(o('volume snapshot show', 'snap2')['properties'] == {'z': '1'}, 'other properties')
    want([s['Name'] for s in o('volume snapshot list', '--volume', 'second')] == ['snap2'], 'another list')
    refused('has 1 snapshots', 'volume delete', 'second')
    o('volume snapshot delete', 'snap2')
    gone('volume snapshot', snap['id'])
    o('volume delete', 'second', 'copy', 'clone')
    for made in (first, copy, clone):
        gone('volume', made['id'])


@needs()
def states():
    """states: an administrator sets them"""
    with being('openrc-admin'):
        made = volume('state')
        o('volume set', '--state', 'error', made['id'])
        want(o('volume show', made['id'])['status'] == 'error', 'not in error')
        o('volume set', '--state', 'available', made['id'])
        snap = snapshot('s', 'state')
        o('volume snapshot set', '--state', 'error', 's')
        want(o('volume snapshot show', 's')['status'] == 'error', 'not in error')
        o('volume snapshot delete', '--force', 's')
        gone('volume snapshot', snap['id'])
        o('volume delete', '--force', made['id'])
        gone('volume', made['id'])


@needs()
def transfers():
    """transfer requests: create, list, show, accept by another project, delete"""
    made = volume('given')
    refusal = o('volume transfer request create', '--name', 'never', 'given')
    o('volume transfer request delete', refusal['id'])
    ready('volume', made['id'])
    request = o('volume transfer request create', '--name', 'gift', 'given')
    want([r['Name'] for r in o('volume transfer request list')] == ['gift'], 'another list')
    want(o('volume transfer request show', 'gift')['volume_id'] == made['id'], 'another volume')
    with being('openrc-admin'):
        o('volume transfer request accept', '--auth-key', request['auth_key'], request['id'])
        ready('volume', made['id'])
        o('volume delete', made['id'])
        gone('volume', made['id'])


@needs()
def type_list():
    """volume types: list and show"""
    want({'__DEFAULT__', 'SSD'} <= {t['Name'] for t in o('volume type list')}, 'other types')
    want(o('volume type show', 'SSD')['name'] == 'SSD', 'another type')


@needs('types')
def types():
    """volume types: create, properties, access, delete"""
    with being('openrc-admin'):
        made = o('volume type create', '--private', '--property', 'volume_backend_name=x', '--description', 'd', 'gold')
        want(made['properties'] == {'volume_backend_name': 'x'} and made['is_public'] is False, made)
        o('volume type set', '--name', 'golden', '--property', 'k=v', '--project', 'demo', 'gold')
        o('volume type unset', '--property', 'volume_backend_name', 'golden')
        now = o('volume type show', 'golden')
        want(now['properties'] == {'k': 'v'} and len(now['access_project_ids']) == 1, now)
        o('volume type unset', '--project', 'demo', 'golden')
        o('volume type delete', 'golden')
        gone('volume type', made['id'])


@needs('types', 'retype')
def retype():
    """volumes change their type; migration is refused where there is one host"""
    made = volume('changes', '--type', 'SAS')
    o('volume set', '--type', 'SSD', '--retype-policy', 'never', 'changes')
    until(lambda: (lambda v: v['type'] == 'SSD' and v['status'] == 'available')(o('volume show', made['id'])), 'retyped')
    with being('openrc-admin'):
        refused('', 'volume migrate', '--host', 'elsewhere@x#y', made['id'])
    o('volume delete', made['id'])
    gone('volume', made['id'])


@needs('qos')
def qos():
    """QoS specs: create, set, unset, associate, list, show, delete"""
    with being('openrc-admin'):
        made = o('volume qos create', '--consumer', 'front-end', '--property', 'read_iops_sec=100', 'slow')
        o('volume qos set', '--property', 'write_iops_sec=50', 'slow')
        o('volume qos unset', '--property', 'read_iops_sec', 'slow')
        o('volume qos associate', 'slow', 'SATA')
        now = o('volume qos show', 'slow')
        want(now['properties'] == {'write_iops_sec': '50'} and 'SATA' in str(now['associations']), now)
        o('volume qos disassociate', '--volume-type', 'SATA', 'slow')
        want([q['Name'] for q in o('volume qos list')] == ['slow'], 'another list')
        o('volume qos associate', 'slow', 'SATA')
        o('volume qos disassociate', '--all', 'slow')
        o('volume qos delete', made['id'])
        want(o('volume qos list') == [], 'still there')


@needs('backups')
def backups():
    """backups: create, incremental, show, list, set, restore, record, delete"""
    made = volume('kept')
    first = o('volume backup create', '--name', 'b1', '--description', 'd', 'kept')
    ready('volume backup', first['id'])
    second = o('volume backup create', '--name', 'b2', '--incremental', 'kept')
    want(ready('volume backup', second['id'])['is_incremental'] is True, 'not incremental')
    o('volume backup set', '--name', 'b1x', '--property', 'a=b', 'b1')
    o('volume backup unset', '--property', 'a', 'b1x')
    want({b['Name'] for b in o('volume backup list', '--long')} == {'b1x', 'b2'}, 'another list')
    # The client restores, and then cannot show the answer, against any server.
    refused('cannot unpack', 'volume backup restore', first['id'], 'restored')
    restored = ready('volume', 'restored')
    ready('volume backup', first['id'])
    with being('openrc-admin'):
        record = o('volume backup record export', first['id'])
        want(record['backup_url'] and record['backup_service'], record)
        refused('', 'volume backup record import', record['backup_service'], record['backup_url'])  # it is there
    o('volume backup delete', second['id'])
    gone('volume backup', second['id'])
    o('volume backup delete', first['id'])
    gone('volume backup', first['id'])
    o('volume delete', restored['id'], made['id'])
    gone('volume', made['id'])


@needs('attachments')
def attachments():
    """attachments: create, set, complete, show, list, delete"""
    made = volume('held')
    server = '3d6a0b9d-7b7c-4b8e-9f0a-0d2f6b0c1a11'  # there is no compute service to ask
    # The client looks the server up in a compute service, which is not there.
    refused('', 'volume attachment create', 'held', server)
    want(o('volume attachment list') == [], 'an attachment nobody made')
    for command, arguments in (('show', []), ('delete', []), ('complete', []), ('set', ['--host', 'h'])):
        refused('', 'volume attachment ' + command, *arguments, server)
    o('volume delete', made['id'])
    gone('volume', made['id'])


@needs()
def services():
    """services: list, disable with a reason, enable, freeze and thaw the host; it cannot fail over"""
    with being('openrc-admin'):
        listed = o('volume service list', '--long')
        want({'cinder-volume', 'cinder-scheduler'} <= {s['Binary'] for s in listed}, listed)
        host = next(s['Host'] for s in listed if s['Binary'] == 'cinder-volume')
        o('volume service set', '--disable', '--disable-reason', 'test', host, 'cinder-volume')
        now = next(s for s in o('volume service list', '--long') if s['Binary'] == 'cinder-volume')
        want(now['Status'] == 'disabled' and now['Disabled Reason'] == 'test', now)
        o('volume service set', '--enable', host, 'cinder-volume')
        o('volume host set', '--disable', host)  # freezes it
        refused('frozen', 'volume host set', '--disable', host)
        o('volume host set', '--enable', host)


@needs()
def messages():
    """messages: list, show and delete"""
    want(isinstance(o('volume message list'), list), 'no list')
    nobody = '3d6a0b9d-7b7c-4b8e-9f0a-0d2f6b0c1a11'
    refused('', 'volume message show', nobody)
    refused('', 'volume message delete', nobody)


@needs()
def filters():
    """resource filters: list"""
    listed = o('block storage resource filter list')
    want('volume' in {f['Resource'] for f in listed}, listed)


@needs()
def clusters():
    """clusters: none, and none to show or set"""
    with being('openrc-admin'):
        want(o('block storage cluster list') == [], 'a cluster')
        refused('', 'block storage cluster show', 'none')
        refused('', 'block storage cluster set', '--disable', 'none')


@needs('groups')
def groups():
    """groups, group types, group snapshots and consistency groups"""
    with being('openrc-admin'):
        kind = o('volume group type create', '--description', 'd', 'together')
        o('volume group type set', '--property', 'consistent_group_snapshot_enabled=<is> True', 'together')
        want('together' in {t['Name'] for t in o('volume group type list')}, 'not listed')
    group = o('volume group create', '--name', 'g', 'together', 'SSD')
    number = group['ID']
    until(lambda: [g['Status'] for g in o('volume group list')] == ['available'], 'group available')
    o('volume group set', '--name', 'g2', '--description', 'd', number)
    want([g['Name'] for g in o('volume group list')] == ['g2'], 'another list')
    snap = o('volume group snapshot create', '--name', 'gs', number)
    until(lambda: [(s['Name'], s['Status']) for s in o('volume group snapshot list')] == [('gs', 'available')], 'group snapshot available')
    o('volume group snapshot delete', snap['ID'])
    until(lambda: o('volume group snapshot list') == [], 'group snapshot gone')
    with being('openrc-admin'):
        refused('', 'volume group failover', number)
    o('volume group delete', '--force', number)
    until(lambda: o('volume group list') == [], 'group gone')
    with being('openrc-admin'):
        o('volume group type delete', kind['ID'])


@needs('groups')
def consistency_groups():
    """consistency groups and their snapshots, the older calls of groups"""
    group = o('consistency group create', '--volume-type', 'SSD', '--description', 'd', 'cg')['id']
    until(lambda: o('consistency group show', group)['status'] == 'available', 'group available')
    made = volume('member', '--type', 'SSD')
    o('consistency group add volume', 'cg', 'member')
    until(lambda: o('consistency group show', group)['status'] == 'available', 'group updated')
    snap = o('consistency group snapshot create', '--consistency-group', 'cg', 'cs')['id']
    until(lambda: o('consistency group snapshot show', snap)['status'] == 'available', 'group snapshot available')
    names = [s['Name'] for s in o('consistency group snapshot list')]
    want(names == ['cs'], names)
    o('consistency group snapshot delete', 'cs')
    until(lambda: o('consistency group snapshot list') == [], 'group snapshot gone')
    o('consistency group remove volume', 'cg', 'member')
    until(lambda: o('consistency group show', group)['status'] == 'available', 'group updated')
    o('consistency group set', '--name', 'cg2', group)
    names = [g['Name'] for g in o('consistency group list')]
    want(names == ['cg2'], names)
    o('consistency group delete', '--force', 'cg2')
    until(lambda: o('consistency group list') == [], 'group gone')
    o('volume delete', made['id'])
    gone('volume', made['id'])


run.end()
