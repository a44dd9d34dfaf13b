/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small pool of threads. One lock guards both lists; done jobs are announced by an eventfd.
 */
#include "guests/dom0/backend/workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "guests/dom0/backend/loop.h"

#define THREADS 4

struct list {
    struct job *first, **end;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_came = PTHREAD_COND_INITIALIZER;
static pthread_cond_t work_done = PTHREAD_COND_INITIALIZER;
static struct list todo, finished;
static unsigned outstanding; /* submitted, done not called yet */
static struct loop_source wakeup;

static void list_init(struct list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_append(struct list *list, struct job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

static struct job *list_take(struct list *list)
{
    struct job *job = list->first;

    if (job) {
        list->first = job->next;
        if (!list->first)
            list->end = &list->first;
    }
    return job;
}

static void *worker(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        struct job *job = list_take(&todo);
        if (!job) {
            pthread_cond_wait(&work_came, &lock);
            continue;
        }
        pthread_mutex_unlock(&lock);
        job->run(job);
        pthread_mutex_lock(&lock);
        bool first = finished.first == NULL;
        list_append(&finished, job);
        pthread_cond_signal(&work_done);
        if (first)
            eventfd_write(wakeup.fd, 1);
    }
    return NULL;
}

/* Calls done for what is finished. Lock held; released around the calls. */
static void reap_locked(void)
{
    struct job *job = finished.first;

    list_init(&finished);
    pthread_mutex_unlock(&lock);
    while (job) {
        struct job *next = job->next;
        outstanding--;
        job->done(job);
        job = next;
    }
    pthread_mutex_lock(&lock);
}

static void wakeup_ready(struct loop_source *source, uint32_t events)
{
    eventfd_t count;

    (void)events;
    eventfd_read(source->fd, &count);
    pthread_mutex_lock(&lock);
    reap_locked();
    pthread_mutex_unlock(&lock);
}

void workers_submit(struct job *job)
{
    pthread_mutex_lock(&lock);
    outstanding++;
    list_append(&todo, job);
    pthread_cond_signal(&work_came);
    pthread_mutex_unlock(&lock);
}

void workers_drain(void)
{
    pthread_mutex_lock(&lock);
    while (outstanding) {
        if (!finished.first)
            pthread_cond_wait(&work_done, &lock);
        reap_locked();
    }
    pthread_mutex_unlock(&lock);
}

bool workers_busy(void)
{
    return outstanding > 0;
}

bool workers_start(void)
{
    sigset_t all, before;
    pthread_t thread;
    int error = 0;

    list_init(&todo);
    list_init(&finished);
    wakeup = (struct loop_source){.events = EPOLLIN, .ready = wakeup_ready};
    wakeup.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wakeup.fd < 0 || !loop_add(&wakeup))
        return false;
    sigfillset(&all); /* signals are for the event loop */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (unsigned i = 0; i < THREADS && !error; i++)
        error = pthread_create(&thread, NULL, worker, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return error == 0;
}
