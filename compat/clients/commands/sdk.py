"""Every call of the block storage proxy of Debian's OpenStack SDK (python3-openstacksdk).

In dialect cinder only: version 0.101 sends microversion 3.60 with each action on
a volume, whatever the server's highest is, and dialect evs ends at 3.50.
"""
import harness
import openstack
from harness import until, want
from notbuilt import NOT_BUILT
from openstack import exceptions
from openstack.block_storage.v3 import _proxy

CALLS = {n for n in vars(_proxy.Proxy) if not n.startswith('_')}

LEFT = {
    'reset_group_state': "a fault of this client, against any server: 'Group' object has no attribute 'reset_status'",
}
WAITING = {  # what each group of calls needs
    'reserving': ['reserve_volume', 'unreserve_volume', 'begin_volume_detaching', 'abort_volume_detaching',
                    'init_volume_attachment', 'terminate_volume_attachment'],
    'backups': ['backups', 'get_backup', 'find_backup', 'create_backup', 'delete_backup', 'restore_backup', 'reset_backup'],
    'groups': [n for n in CALLS if 'group' in n],
    'image content': ['upload_volume_to_image'],
    'managing': ['unmanage_volume'],
    'retype': ['retype_volume', 'migrate_volume', 'complete_volume_migration'],
    'types': ['create_type', 'update_type', 'delete_type', 'update_type_extra_specs', 'delete_type_extra_specs', 'get_type_access',
              'add_type_access', 'remove_type_access', 'get_type_encryption', 'create_type_encryption',
              'update_type_encryption', 'delete_type_encryption'],
}
for noun, names in WAITING.items():
    if noun in NOT_BUILT:
        LEFT.update({n: 'not built yet: ' + noun for n in names})

run = harness.Run('sdk', CALLS, LEFT)


class Counting:
    """A block storage proxy that notes which calls are made."""

    def __init__(self, openrc):
        env = harness.openrc(openrc)
        self.connection = openstack.connect(load_yaml_config=False, load_envvars=False, **{
            key[3:].lower(): value for key, value in env.items() if key != 'OS_IDENTITY_API_VERSION'})
        self.proxy = self.connection.block_storage

    def __getattr__(self, name):
        run.use(name)
        return getattr(self.proxy, name)


demo, admin = Counting('openrc'), Counting('openrc-admin')


def ready(cloud, thing, status='available'):
    thing = thing.fetch(cloud.proxy)  # what is at hand may be from before
    return cloud.wait_for_status(thing, status=status, failures=['error'], interval=0.1, wait=20)


def gone(cloud, thing):
    cloud.wait_for_delete(thing, interval=0.1, wait=20)


def volume(cloud, name, **attributes):
    return ready(cloud, cloud.create_volume(name=name, size=1, **attributes))


def refused(kind, call, *arguments, **named):
    try:
        got = call(*arguments, **named)
    except kind as no:
        return no
    raise AssertionError('it was not refused: %s' % (got,))


def needs(*nouns):
    """The step waits until these nouns are built."""
    def take(function):
        if not NOT_BUILT & set(nouns):
            run.step(function)
        return function
    return take


@needs()
def volumes():
    """volumes: create, get, find, list, metadata, extend, flags, delete"""
    made = volume(demo, 'first', description='one', metadata={'a': 'b'})
    want(demo.get_volume(made).description == 'one', 'another description')
    want(demo.find_volume('first').id == made.id, 'another volume')
    demo.set_volume_metadata(made, c='d')
    want(demo.get_volume_metadata(made).metadata == {'a': 'b', 'c': 'd'}, 'other metadata')
    demo.delete_volume_metadata(made, ['a'])
    want(demo.get_volume_metadata(made).metadata == {'c': 'd'}, 'other metadata')
    demo.extend_volume(made, 2)
    until(lambda: demo.get_volume(made).size == 2, 'extended')
    demo.set_volume_readonly(made, True)
    demo.set_volume_bootable_status(made, True)
    now = demo.get_volume(made)
    want(now.is_bootable is True and now.metadata['readonly'] == 'True', now)
    want([v.id for v in demo.volumes(name='first', limit=1)] == [made.id], 'another list')
    demo.delete_volume(made)
    gone(demo, made)
    refused(exceptions.ResourceNotFound, demo.get_volume, made.id)


@needs()
def snapshots():
    """snapshots: create, get, find, list, update, metadata, revert, delete"""
    origin = volume(demo, 'origin')
    snap = ready(demo, demo.create_snapshot(volume_id=origin.id, name='s', metadata={'a': 'b'}))
    want(demo.get_snapshot(snap).volume_id == origin.id and demo.find_snapshot('s').id == snap.id, 'another snapshot')
    want(demo.update_snapshot(snap, name='s2', description='d').name == 's2', 'another name')
    demo.set_snapshot_metadata(snap, c='d')
    want(demo.get_snapshot_metadata(snap).metadata == {'a': 'b', 'c': 'd'}, 'other metadata')
    demo.delete_snapshot_metadata(snap, ['a'])
    want(demo.get_snapshot_metadata(snap).metadata == {'c': 'd'}, 'other metadata')
    want([s.name for s in demo.snapshots(volume_id=origin.id)] == ['s2'], 'another list')
    demo.proxy.default_microversion = '3.40'
    demo.revert_volume_to_snapshot(origin, snap)
    demo.proxy.default_microversion = None
    ready(demo, origin)
    ready(demo, snap)
    demo.delete_snapshot(snap)
    gone(demo, snap)
    demo.delete_volume(origin)
    gone(demo, origin)


@needs()
def attaching():
    """a volume is attached and detached by hand"""
    made = volume(admin, 'held')
    admin.attach_volume(made, '/dev/vdb', host_name='h')
    until(lambda: admin.get_volume(made).status == 'in-use', 'in use')
    admin.detach_volume(made, admin.get_volume(made).attachments[0]['attachment_id'])
    ready(admin, made)
    admin.delete_volume(made)
    gone(admin, made)


@needs()
def states():
    """states: an administrator sets them"""
    made = volume(admin, 'state')
    snap = ready(admin, admin.create_snapshot(volume_id=made.id, name='s'))
    admin.reset_snapshot(snap, 'creating')
    admin.set_snapshot_status(snap, 'available', '100%')
    want(admin.get_snapshot(snap).status == 'available', 'another status')
    admin.reset_volume_status(made, 'error', 'detached', None)
    want(admin.get_volume(made).status == 'error', 'another status')
    admin.delete_snapshot(snap, force=True)
    gone(admin, snap)
    admin.delete_volume(made, force=True)
    gone(admin, made)


@needs()
def quotas():
    """quotas, limits, zones, extensions, volume types"""
    project = demo.connection.current_project_id
    want(admin.get_quota_set(project).volumes == 10, 'another quota')
    quota = admin.get_quota_set(project, usage=True)
    want(quota.usage['volumes'] == len(list(demo.volumes())), quota)
    want(admin.update_quota_set(quota, volumes=9).volumes == 9, 'another quota')
    admin.revert_quota_set(project)
    want(admin.get_quota_set_defaults(project).volumes == 10, 'another default')
    want(demo.get_limits().absolute.max_total_volumes == 10, 'another limit')
    want([z.name for z in demo.availability_zones()] == ['az1'], 'another zone')
    want('os-quota-sets' in {e.alias for e in demo.extensions()}, 'no extension')
    want('SSD' in {t.name for t in demo.types()}, 'no type')
    want(demo.get_type(demo.find_type('SSD')).name == 'SSD', 'another type')


@needs('types')
def types():
    """volume types: create, update, extra specs, access, encryption, delete"""
    made = admin.create_type(name='gold', is_public=False)
    admin.update_type(made, name='golden')
    admin.update_type_extra_specs(made, a='b')
    want(admin.get_type(made).extra_specs == {'a': 'b'}, 'other extra specs')
    admin.delete_type_extra_specs(made, ['a'])
    admin.add_type_access(made, 'f' * 32)
    want([a['project_id'] for a in admin.get_type_access(made)] == ['f' * 32], 'other access')
    admin.remove_type_access(made, 'f' * 32)
    admin.create_type_encryption(made, provider='luks', control_location='front-end', key_size=256, cipher='aes-xts-plain64')
    encryption = admin.get_type_encryption(made.id)  # by type, this client's update and delete end in a KeyError
    admin.update_type_encryption(encryption=encryption, key_size=512)
    want(admin.get_type_encryption(made.id).key_size == 512, 'another key size')
    admin.delete_type_encryption(encryption=encryption)
    admin.delete_type(made)
    refused(exceptions.ResourceNotFound, admin.get_type, made.id)


@needs('types', 'retype')
def retype():
    """volumes change their type; migration is refused where there is one host"""
    made = volume(demo, 'changes', volume_type='SAS')
    demo.retype_volume(made, 'SSD')
    until(lambda: demo.get_volume(made).volume_type == 'SSD', 'retyped')
    ready(demo, made)
    refused(exceptions.SDKException, admin.migrate_volume, made, host='elsewhere@x#y')
    refused(exceptions.SDKException, admin.complete_volume_migration, made, made.id)
    demo.delete_volume(made)
    gone(demo, made)


@needs('image content')
def image_content():
    """an image is made of a volume"""
    made = volume(demo, 'source')
    demo.upload_volume_to_image(made, 'of-source', disk_format='raw', container_format='bare')
    ready(demo, made)
    demo.delete_volume(made)
    gone(demo, made)


@needs('backups')
def backups():
    """backups: create, get, find, list, restore, reset, delete"""
    made = volume(demo, 'kept')
    backup = ready(demo, demo.create_backup(volume_id=made.id, name='b'))
    want(demo.get_backup(backup).volume_id == made.id and demo.find_backup('b').id == backup.id, 'another backup')
    want([b.id for b in demo.backups()] == [backup.id], 'another list')
    demo.restore_backup(backup, name='restored')
    restored = ready(demo, until(lambda: demo.find_volume('restored'), 'restored'))
    ready(demo, backup)
    admin.reset_backup(backup, 'error')
    demo.delete_backup(backup)
    gone(demo, backup)
    for thing in (restored, made):
        demo.delete_volume(thing)
        gone(demo, thing)


@needs('reserving')
def connections():
    """the old calls of a compute service: reserve, connect, detach"""
    made = volume(admin, 'asked')
    admin.reserve_volume(made)
    want(admin.get_volume(made).status == 'attaching', 'not attaching')
    admin.unreserve_volume(made)
    ready(admin, made)
    admin.reserve_volume(made)
    connector = {'host': 'h', 'ip': '127.0.0.1', 'initiator': 'iqn.1993-08.org.debian:01:x'}
    admin.init_volume_attachment(made, connector)
    admin.terminate_volume_attachment(made, connector)
    ready(admin, made)
    admin.attach_volume(made, '/dev/vdb', host_name='h')
    until(lambda: admin.get_volume(made).status == 'in-use', 'in use')
    admin.begin_volume_detaching(made)
    admin.abort_volume_detaching(made)
    admin.detach_volume(made, admin.get_volume(made).attachments[0]['attachment_id'])
    ready(admin, made)
    admin.delete_volume(made)
    gone(admin, made)


@needs()
def pools():
    """pools and capabilities of the one host"""
    pool = next(iter(admin.backend_pools()))
    want(pool.name, pool)
    want(admin.get_capabilities(pool.name.partition('#')[0]).vendor_name, 'no vendor')


@needs()
def filters():
    """resource filters"""
    want('volume' in {f.resource for f in demo.resource_filters()}, 'no filters')


@needs('groups')
def groups():
    """group types, their specs, and groups"""
    kind = admin.create_group_type(name='together')
    want(admin.find_group_type('together').id == kind.id and admin.get_group_type(kind).name == 'together', 'another type')
    admin.update_group_type(kind, description='d')
    want('together' in {t.name for t in admin.group_types()}, 'not listed')
    kind = admin.create_group_type_group_specs(kind, {'a': 'b'})
    admin.update_group_type_group_specs_property(kind, 'a', 'c')
    want(admin.get_group_type_group_specs_property(kind, 'a') == 'c', 'another spec')
    admin.delete_group_type_group_specs_property(kind, 'a')
    want(admin.fetch_group_type_group_specs(kind).group_specs == {}, 'another spec')
    group = demo.create_group(name='g', group_type=kind.id, volume_types=[demo.find_type('SSD').id])
    until(lambda: demo.get_group(group.id).status == 'available', 'group available')
    want(demo.find_group('g').id == group.id and [g.id for g in demo.groups()] == [group.id], 'another group')
    demo.update_group(group, name='g2')
    # This client always sends both sources, of which Cinder's schema takes one alone.
    refused(exceptions.BadRequestException, demo.create_group_from_source, group_snapshot_id=None, source_group_id=group.id, name='copy')
    demo.delete_group(group, delete_volumes=True)
    gone(demo, group)
    admin.delete_group_type(kind)


@needs('managing')
def managing():
    """a volume is let go, and the storage keeps it"""
    made = volume(admin, 'let-go')
    admin.unmanage_volume(made)
    gone(admin, made)


run.end()
