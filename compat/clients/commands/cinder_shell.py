"""Every command of Debian's cinder client (python3-cinderclient)."""
import re

import cinderclient.shell
import cinderclient.v3.client  # noqa: F401: what each command would load is loaded once
import cinderclient.v3.shell

import harness
from harness import Refused, being, until, want
from notbuilt import NOT_BUILT

COMMANDS = {n[3:].replace('_', '-') for n in dir(cinderclient.v3.shell) if n.startswith('do_')}

LEFT = {}
if harness.DIALECT == 'evs':
    LEFT['reimage'] = 'from 3.68 on; dialect evs ends at 3.50'
    LEFT.update({'default-type-' + verb: 'from 3.62 on; dialect evs ends at 3.50' for verb in ('list', 'set', 'unset')})
WAITING = {  # what each group of commands needs: the beginning of a name, or with = all of it
    'attachments': ['attachment-'],
    'backups': ['backup-'],
    'groups': ['group-', 'consisgroup-', 'cgsnapshot-'],
    'image content': ['=upload-to-image', '=reimage'],
    'image metadata': ['=image-metadata', '=image-metadata-show'],
    'managing': ['=manage', '=unmanage', '=manageable-list', 'snapshot-manage', '=snapshot-unmanage'],
    'qos': ['qos-'],
    'retype': ['=retype', '=migrate'],
    'types': ['type-create', 'type-update', 'type-delete', 'type-key', 'type-access-', 'extra-specs-list',
              'encryption-type-', 'default-type-'],
}
for noun, names in WAITING.items():
    if noun in NOT_BUILT:
        LEFT.update({c: 'not built yet: ' + noun for c in COMMANDS for n in names
                     if ('=' + c == n if n.startswith('=') else c.startswith(n))})

harness.become('openrc')
run = harness.Run('cinder', COMMANDS, LEFT)


def c(command, *arguments):
    """Runs a command; what it prints."""
    run.use(command)
    status, out = harness.forked(lambda: cinderclient.shell.OpenStackCinderShell().main([command, *arguments]))
    if status:
        raise Refused(out)
    return out


def refused(text, command, *arguments):
    try:
        got = c(command, *arguments)
    except Refused as no:
        want(text in str(no), no)
    else:
        raise AssertionError('%s %s was not refused: %s' % (command, arguments, got))


def rows(out):
    """The lines of a table, each a list of cells; the heading is the first."""
    lines = [[cell.strip() for cell in line.strip('|').split('|')] for line in out.splitlines() if line.startswith('|')]
    want(lines, out)
    return lines


def shown(out):
    """A table of properties as a dict."""
    return {line[0]: line[1] for line in rows(out)[1:]}


def listed(out, column='ID'):
    """A column of a table, as a list."""
    head, *lines = rows(out)
    return [line[head.index(column)] for line in lines]


def ready(command, name, status='available'):
    return until(lambda: (lambda x: x['status'] == status and x)(shown(c(command, name))), '%s %s' % (name, status))


def gone(command, name):
    def asked():
        try:
            c(command, name)
        except Refused:
            return True
        return False
    until(asked, '%s %s gone' % (command, name))


def volume(name, *arguments):
    return ready('show', shown(c('create', '--name', name, *arguments, '1'))['id'])


def needs(*nouns):
    """The step waits until these nouns are built."""
    def take(function):
        if not NOT_BUILT & set(nouns):
            run.step(function)
        return function
    return take


@needs()
def volumes():
    """volumes: create, rename, metadata, extend, flags, list, show, delete"""
    made = volume('first', '--description', 'one', '--metadata', 'a=b')
    number = made['id']
    c('rename', 'first', 'second', '--description', 'two')
    c('metadata', 'second', 'set', 'c=d')
    c('metadata', 'second', 'unset', 'a')
    want(re.search(r'\| c +\| d ', c('metadata-show', 'second')), 'other metadata')
    c('metadata-update-all', 'second', 'only=this')
    want(re.search(r'\| only +\| this ', c('metadata-show', number)), 'other metadata')
    c('extend', 'second', '2')
    until(lambda: shown(c('show', 'second'))['size'] == '2', 'extended')
    ready('show', number)
    c('set-bootable', 'second', 'true')
    c('readonly-mode-update', 'second', 'true')
    want(listed(c('list', '--name', 'second', '--status', 'available')) == [number], 'another list')
    c('delete', 'second')
    gone('show', number)


@needs()
def snapshots():
    """snapshots: create, rename, metadata, list, show, delete"""
    made = volume('origin')
    snap = shown(c('snapshot-create', '--name', 's', '--metadata', 'a=b', '--description', 'd', 'origin'))['id']
    ready('snapshot-show', snap)
    c('snapshot-rename', 's', 's2', '--description', 'e')
    c('snapshot-metadata', 's2', 'set', 'c=d')
    c('snapshot-metadata', 's2', 'unset', 'a')
    want(re.search(r'\| c +\| d ', c('snapshot-metadata-show', 's2')), 'other metadata')
    c('snapshot-metadata-update-all', 's2', 'only=this')
    want(listed(c('snapshot-list', '--volume-id', made['id'])) == [snap], 'another list')
    want(shown(c('snapshot-show', 's2'))['description'] == 'e', 'another description')
    copy = shown(c('create', '--snapshot-id', snap, '--name', 'copy'))['id']
    ready('show', copy)
    c('snapshot-delete', 's2')
    gone('snapshot-show', snap)
    c('delete', copy, made['id'])
    gone('show', copy)
    gone('show', made['id'])


@needs()
def revert():
    """a volume goes back to its last snapshot"""
    made = volume('back')
    snap = shown(c('snapshot-create', '--name', 'point', 'back'))['id']
    ready('snapshot-show', snap)
    c('revert-to-snapshot', 'point')
    ready('show', made['id'])
    ready('snapshot-show', snap)
    c('delete', '--cascade', 'back')
    gone('show', made['id'])


@needs()
def states():
    """states: an administrator sets them and deletes in any"""
    with being('openrc-admin'):
        made = volume('state')
        snap = shown(c('snapshot-create', '--name', 's', 'state'))['id']
        ready('snapshot-show', snap)
        c('reset-state', '--state', 'error', 'state')
        want(shown(c('show', 'state'))['status'] == 'error', 'not in error')
        c('reset-state', '--state', 'available', 'state')
        c('snapshot-reset-state', '--state', 'error', 's')
        want(shown(c('snapshot-show', 's'))['status'] == 'error', 'not in error')
        c('snapshot-delete', '--force', 's')
        gone('snapshot-show', snap)
        c('force-delete', 'state')
        gone('show', made['id'])


@needs()
def transfers():
    """transfers: create, list, show, accept by another project, delete"""
    made = volume('given')
    c('transfer-delete', shown(c('transfer-create', '--name', 'never', 'given'))['id'])
    ready('show', made['id'])
    request = shown(c('transfer-create', '--name', 'gift', 'given'))
    want(listed(c('transfer-list')) == [request['id']], 'another list')
    want(shown(c('transfer-show', 'gift'))['volume_id'] == made['id'], 'another volume')
    with being('openrc-admin'):
        c('transfer-accept', request['id'], request['auth_key'])
        ready('show', made['id'])
        c('delete', made['id'])
        gone('show', made['id'])


@needs()
def quotas():
    """quotas, limits, zones, versions"""
    with being('openrc-admin'):
        project = 'f' * 32
        c('quota-update', '--volumes', '7', project)
        want(shown(c('quota-show', project))['volumes'] == '7', 'another quota')
        c('quota-delete', project)
        want(shown(c('quota-show', project))['volumes'] == shown(c('quota-defaults', project))['volumes'] == '10', 'no default')
        want('volumes' in listed(c('quota-usage', project), 'Type'), 'no usage')
        before = shown(c('quota-class-show', 'default'))['backups']
        c('quota-class-update', 'default', '--backups', '77')
        want(shown(c('quota-class-show', 'default'))['backups'] == '77', 'another class')
        c('quota-class-update', 'default', '--backups', before)
    want('maxTotalVolumes' in listed(c('absolute-limits'), 'Name'), 'no limits')
    c('rate-limits')
    want('az1' in c('availability-zone-list'), 'no zone')
    want('3.' in c('version-list'), 'no version')
    want('3.' in c('api-version'), 'no version')


@needs()
def type_list():
    """volume types: list, show, default"""
    want('SSD' in listed(c('type-list'), 'Name'), 'no type')
    want(shown(c('type-show', 'SSD'))['name'] == 'SSD', 'another type')
    want('__DEFAULT__' in c('type-default'), 'no default')


@needs('types')
def types():
    """volume types: create, update, keys, access, encryption, default, delete"""
    with being('openrc-admin'):
        number = listed(c('type-create', 'gold', '--is-public', 'false', '--description', 'd'))[0]
        c('type-update', number, '--name', 'golden')
        c('type-key', 'golden', 'set', 'volume_backend_name=x')
        want("'volume_backend_name': 'x'" in c('extra-specs-list'), 'no extra spec')
        c('type-key', 'golden', 'unset', 'volume_backend_name')
        c('type-access-add', '--volume-type', 'golden', '--project-id', 'f' * 32)
        want('f' * 32 in c('type-access-list', '--volume-type', 'golden'), 'no access')
        c('type-access-remove', '--volume-type', 'golden', '--project-id', 'f' * 32)
        c('encryption-type-create', 'golden', 'luks', '--cipher', 'aes-xts-plain64', '--key-size', '256', '--control-location', 'front-end')
        c('encryption-type-update', 'golden', '--key-size', '512')
        want('512' in c('encryption-type-show', 'golden'), 'another key size')
        want('luks' in c('encryption-type-list'), 'no encryption')
        c('encryption-type-delete', 'golden')
        if harness.DIALECT == 'cinder':  # from 3.62
            c('default-type-set', 'SSD', 'f' * 32)
            want('f' * 32 in c('default-type-list'), 'no default')
            c('default-type-unset', 'f' * 32)
        c('type-delete', 'golden')
        want('golden' not in c('type-list'), 'still there')


@needs('types', 'retype')
def retype():
    """volumes change their type; migration is refused where there is one host"""
    made = volume('changes', '--volume-type', 'SAS')
    c('retype', 'changes', 'SSD')
    until(lambda: (lambda v: v['volume_type'] == 'SSD' and v['status'] == 'available')(shown(c('show', made['id']))), 'retyped')
    with being('openrc-admin'):
        # It says so, and its status does not.
        want('No available service' in c('migrate', made['id'], 'elsewhere@x#y'), 'migrated')
    c('delete', made['id'])
    gone('show', made['id'])


@needs('qos')
def qos():
    """QoS specs: create, keys, associate, list, show, delete"""
    with being('openrc-admin'):
        number = shown(c('qos-create', 'slow', 'consumer=front-end', 'read_iops_sec=100'))['id']
        c('qos-key', number, 'set', 'write_iops_sec=50')
        c('qos-key', number, 'unset', 'read_iops_sec')
        want('write_iops_sec' in c('qos-show', number) and 'slow' in c('qos-list'), 'not there')
        kind = dict(zip(listed(c('type-list'), 'Name'), listed(c('type-list'))))['SATA']
        c('qos-associate', number, kind)
        want('SATA' in c('qos-get-association', number), 'not associated')
        c('qos-disassociate', number, kind)
        c('qos-disassociate-all', number)
        c('qos-delete', number)
        want(number not in c('qos-list'), 'still there')


@needs()
def services():
    """services: list, disable, enable, log levels; hosts are not replicated"""
    with being('openrc-admin'):
        table = c('service-list')
        host = dict(zip(listed(table, 'Binary'), listed(table, 'Host')))['cinder-volume']
        c('service-disable', host, 'cinder-volume', '--reason', 'test')
        want('disabled' in c('service-list'), 'not disabled')
        c('service-enable', host, 'cinder-volume')
        c('freeze-host', host)
        want('frozen' in c('service-list'), 'not frozen')
        c('thaw-host', host)
        want('frozen' not in c('service-list'), 'still frozen')
        refused('replication', 'failover-host', host)  # there is none
        c('service-set-log', 'warning', '--binary', 'cinder-volume')
        c('service-get-log', '--binary', 'cinder-volume')
        c('service-set-log', 'info', '--binary', 'cinder-volume')


@needs()
def pools():
    """pools and capabilities of the one host"""
    with being('openrc-admin'):
        want('total_capacity_gb' in c('get-pools', '--detail'), 'no detail')
        table = c('service-list')
        host = dict(zip(listed(table, 'Binary'), listed(table, 'Host')))['cinder-volume']
        want('vendor_name' in c('get-capabilities', host), 'no capabilities')


@needs()
def summary():
    """the summary counts volumes"""
    before = int(shown(c('summary'))['total_count'])  # what a step that failed left behind counts, too
    made = volume('counted')
    want(shown(c('summary'))['total_count'] == str(before + 1), 'another count')
    c('delete', made['id'])
    gone('show', made['id'])


@needs('image metadata')
def image_metadata():
    """image metadata: set, show, unset"""
    made = volume('image')
    c('image-metadata', 'image', 'set', 'os=bsd')
    want('bsd' in c('image-metadata-show', 'image'), 'not set')
    c('image-metadata', 'image', 'unset', 'os')
    want('bsd' not in c('image-metadata-show', 'image'), 'still set')
    c('delete', made['id'])
    gone('show', made['id'])


@needs('image content')
def image_content():
    """an image is made of a volume, and a volume overwritten with it"""
    made = volume('source')
    image = shown(c('upload-to-image', '--disk-format', 'raw', '--container-format', 'bare', 'source', 'of-source'))['image_id']
    ready('show', made['id'])
    if harness.DIALECT == 'cinder':
        def overwritten():
            try:
                c('reimage', 'source', image)
            except Refused as no:
                want('not active' in str(no), no)  # its sums are still being counted
                return False
            return True
        until(overwritten, 'overwritten')
        ready('show', made['id'])
        want('of-source' in c('image-metadata-show', 'source'), 'another image')
    c('delete', made['id'])
    gone('show', made['id'])


@needs('backups')
def backups():
    """backups: create, incremental, list, show, update, record, restore, reset, delete"""
    made = volume('kept')
    first = shown(c('backup-create', '--name', 'b1', '--description', 'd', 'kept'))['id']
    ready('backup-show', first)
    second = shown(c('backup-create', '--name', 'b2', '--incremental', 'kept'))['id']
    ready('backup-show', second)
    c('backup-update', '--name', 'b1x', first)
    want(set(listed(c('backup-list'))) == {first, second}, 'another list')
    restored = shown(c('backup-restore', first))['volume_id']
    ready('show', restored)
    ready('backup-show', first)
    with being('openrc-admin'):
        record = shown(c('backup-export', first))
        refused('', 'backup-import', record['backup_service'], record['backup_url'])  # it is there
        c('backup-reset-state', '--state', 'error', second)
    c('backup-delete', second)
    gone('backup-show', second)
    c('backup-delete', first)
    gone('backup-show', first)
    c('delete', restored, made['id'])
    gone('show', made['id'])


@needs('attachments')
def attachments():
    """attachments: create, show, list, update, complete, delete"""
    made = volume('held')
    server = '3d6a0b9d-7b7c-4b8e-9f0a-0d2f6b0c1a11'
    number = shown(c('attachment-create', made['id'], server))['id']
    want(number in c('attachment-list'), 'not listed')
    c('attachment-show', number)
    c('attachment-update', number, '--initiator', 'iqn.1993-08.org.debian:01:x', '--ip', '127.0.0.1', '--host', 'h', '--multipath', 'false')
    c('attachment-complete', number)
    ready('show', made['id'], 'in-use')
    c('attachment-delete', number)
    ready('show', made['id'])
    c('delete', made['id'])
    gone('show', made['id'])


@needs()
def messages():
    """messages: list, show and delete"""
    c('message-list')
    nobody = '3d6a0b9d-7b7c-4b8e-9f0a-0d2f6b0c1a11'
    refused('', 'message-show', nobody)
    refused('', 'message-delete', nobody)


@needs()
def filters():
    """resource filters"""
    want('volume' in c('list-filters'), 'no filters')


@needs()
def clusters():
    """clusters: none, and none to show or set"""
    with being('openrc-admin'):
        c('cluster-list')
        for command in ('cluster-show', 'cluster-disable', 'cluster-enable'):
            refused('', command, 'none')


@needs()
def workers():
    """work of services that are gone: none"""
    with being('openrc-admin'):
        c('work-cleanup')


@needs('groups')
def groups():
    """group types, groups and group snapshots"""
    with being('openrc-admin'):
        kind = listed(c('group-type-create', 'together', '--description', 'd'))[0]
        c('group-type-key', kind, 'set', 'consistent_group_snapshot_enabled=<is> True')
        want('consistent_group_snapshot_enabled' in c('group-specs-list'), 'no spec')
        c('group-type-update', kind, '--description', 'e', '--is-public', 'true')  # unsaid, it sends false
        want('together' in c('group-type-list') and 'together' in c('group-type-show', kind), 'not there')
        refused('Default group type', 'group-type-default')  # none is set
        types = dict(zip(listed(c('type-list'), 'Name'), listed(c('type-list'))))
    number = shown(c('group-create', kind, types['SSD'], '--name', 'g'))['id']
    ready('group-show', number)
    made = volume('member', '--group-id', number, '--volume-type', 'SSD')
    c('group-update', number, '--name', 'g2')
    want(listed(c('group-list'), 'Name') == ['g2'], 'another list')
    snap = shown(c('group-snapshot-create', number, '--name', 'gs'))['id']
    ready('group-snapshot-show', snap)
    want(listed(c('group-snapshot-list')) == [snap], 'another list')
    copy = shown(c('group-create-from-src', '--group-snapshot', snap, '--name', 'copy'))['id']
    ready('group-show', copy)
    c('group-delete', copy, '--delete-volumes')
    gone('group-show', copy)
    c('group-snapshot-delete', snap)
    gone('group-snapshot-show', snap)
    with being('openrc-admin'):
        for command in ('group-enable-replication', 'group-disable-replication', 'group-failover-replication', 'group-list-replication-targets'):
            refused('', command, number)
    c('group-delete', number, '--delete-volumes')
    gone('group-show', number)
    gone('show', made['id'])
    with being('openrc-admin'):
        c('group-type-delete', kind)


@needs('groups')
def consistency_groups():
    """consistency groups and their snapshots, the older calls of groups"""
    number = shown(c('consisgroup-create', 'SSD', '--name', 'cg', '--description', 'd'))['id']
    ready('consisgroup-show', number)
    made = volume('member', '--volume-type', 'SSD')
    c('consisgroup-update', number, '--name', 'cg2', '--add-volumes', made['id'])
    ready('consisgroup-show', number)
    want(listed(c('consisgroup-list'), 'Name') == ['cg2'], 'another list')
    snap = shown(c('cgsnapshot-create', number, '--name', 'cs'))['id']
    ready('cgsnapshot-show', snap)
    want(listed(c('cgsnapshot-list')) == [snap], 'another list')
    copy = shown(c('consisgroup-create-from-src', '--cgsnapshot', snap, '--name', 'copy'))['id']
    ready('consisgroup-show', copy)
    c('consisgroup-delete', copy, '--force')
    gone('consisgroup-show', copy)
    c('cgsnapshot-delete', snap)
    gone('cgsnapshot-show', snap)
    c('consisgroup-delete', number, '--force')
    gone('consisgroup-show', number)
    gone('show', made['id'])


@needs('managing')
def managing():
    """what the storage holds is let go, listed and managed again"""
    with being('openrc-admin'):
        made = volume('let-go')
        host = made['os-vol-host-attr:host']
        c('unmanage', made['id'])
        gone('show', made['id'])
        want(made['id'] in c('manageable-list', host), 'not listed')
        again = shown(c('manage', host, made['id'], '--name', 'back'))['id']
        ready('show', again)
        snap = shown(c('snapshot-create', '--name', 's', again))['id']
        ready('snapshot-show', snap)
        c('snapshot-unmanage', snap)
        gone('snapshot-show', snap)
        want(snap in c('snapshot-manageable-list', host), 'not listed')
        managed = shown(c('snapshot-manage', again, snap, '--name', 't'))['id']
        ready('snapshot-show', managed)
        c('snapshot-delete', managed)
        gone('snapshot-show', managed)
        c('delete', again)
        gone('show', again)


run.end()
