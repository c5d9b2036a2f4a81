#!/usr/bin/python3
"""Disks that are old enough for the recycle bin, which keeps none younger than a day.

old_disks.py make OPENRC NAME...   makes disks in the project named like the region
                                   and prints their ids
old_disks.py age DATABASE ID...    while the server is stopped, makes them old
"""

import json
import re
import sqlite3
import sys
import time
import urllib.request

OLD = '2020-01-01T00:00:00.000000'


def call(method, url, token, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {'Content-Type': 'application/json', 'X-Auth-Token': token}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=30) as answer:
        return answer.headers, json.load(answer)


def make(openrc, names):
    with open(openrc, encoding='utf-8') as file:
        env = dict(re.findall(r"^export (\w+)='(.*)'$", file.read(), re.M))
    domain = {'name': env['OS_USER_DOMAIN_NAME']}
    headers, answer = call('POST', env['OS_AUTH_URL'] + '/auth/tokens', '', {'auth': {
        'identity': {'methods': ['password'], 'password': {'user': {
            'name': env['OS_USERNAME'], 'password': env['OS_PASSWORD'], 'domain': domain}}},
        'scope': {'project': {'name': env['OS_REGION_NAME'], 'domain': domain}}}})
    token = headers['X-Subject-Token']
    volumes = env['OS_AUTH_URL'].removesuffix('/identity/v3') + '/v3/' + answer['token']['project']['id'] + '/volumes'
    for name in names:
        _, answer = call('POST', volumes, token, {'volume': {'name': name, 'size': 10, 'volume_type': 'SSD'}})
        volume = answer['volume']
        for _ in range(100):
            if volume['status'] == 'available':
                break
            time.sleep(0.1)
            volume = call('GET', volumes + '/' + volume['id'], token)[1]['volume']
        else:
            sys.exit('the disk %s is %s' % (name, volume['status']))
        print(volume['id'])


def age(database, ids):
    connection = sqlite3.connect('file:%s?mode=rw' % database, uri=True)
    with connection:
        for volume in ids:
            done = connection.execute('UPDATE volumes SET created_at = ? WHERE id = ?', (OLD, volume))
            if done.rowcount != 1:
                sys.exit('there is no disk %s in %s' % (volume, database))
    connection.close()


{'make': make, 'age': age}[sys.argv[1]](sys.argv[2], sys.argv[3:])
