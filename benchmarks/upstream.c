/* A fast loopback server for the benchmarks: it speaks as much HTTP and OpenAI chat completions as clients need.
 *
 * Whole answers are a chat.completion of about 1.2 kB with full usage detail. Streams are 50 chunks of content, each in an
 * HTTP chunk of its own, then the finish, a usage chunk when it was asked for, and [DONE]; all written at once.
 * It prints its port and ends when its standard input ends. A thread for each connection.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 1 << 18, CHUNKS = 50 };

static char whole[4096], streamed[32768], streamed_usage[32768];
static size_t whole_length, streamed_length, streamed_usage_length;

#define USAGE "\"usage\":{\"prompt_tokens\":27,\"completion_tokens\":112,\"total_tokens\":139," \
    "\"prompt_tokens_details\":{\"cached_tokens\":8,\"audio_tokens\":0}," \
    "\"completion_tokens_details\":{\"reasoning_tokens\":16,\"audio_tokens\":0," \
    "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}"
#define HEAD "\"created\":1754000000,\"model\":\"gpt-4.1-mini-2025-04-14\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\""

static const char *WORDS = "Routing picks a model for each call; a fallback answers when the first choice cannot. ";

static void make_whole(void) {
    char body[3072], text[1024] = "";
    while (strlen(text) < 560) strcat(text, WORDS);
    snprintf(body, sizeof body,
             "{\"id\":\"chatcmpl-B0000000000000000000000000000\",\"object\":\"chat.completion\"," HEAD ","
             "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":null,\"annotations\":[]},"
             "\"logprobs\":null,\"finish_reason\":\"stop\"}]," USAGE "}", text);
    whole_length = (size_t)snprintf(whole, sizeof whole,
             "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_0\r\ncontent-length: %zu\r\n\r\n%s",
             strlen(body), body);
}

static size_t add_event(char *to, size_t at, const char *data) {
    return at + (size_t)sprintf(to + at, "%zx\r\ndata: %s\n\n\r\n", strlen(data) + 8, data);
}

static size_t make_stream(char *to, int with_usage) {
    char data[1024];
    size_t at = (size_t)sprintf(to, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req_0\r\n"
                                    "transfer-encoding: chunked\r\n\r\n");
    for (int i = -1; i <= CHUNKS; i++) {
        char delta[96];
        if (i < 0) strcpy(delta, "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}");
        else if (i < CHUNKS) sprintf(delta, "{\"content\":\"word%02d \"}", i);
        else strcpy(delta, "{}");
        snprintf(data, sizeof data, "{\"id\":\"chatcmpl-B000000000000\",\"object\":\"chat.completion.chunk\"," HEAD ","
                 "\"choices\":[{\"index\":0,\"delta\":%s,\"logprobs\":null,\"finish_reason\":%s}]%s}",
                 delta, i == CHUNKS ? "\"stop\"" : "null", with_usage ? ",\"usage\":null" : "");
        at = add_event(to, at, data);
    }
    if (with_usage) at = add_event(to, at, "{\"id\":\"chatcmpl-B000000000000\",\"object\":\"chat.completion.chunk\"," HEAD
                                           ",\"choices\":[]," USAGE "}");
    at = add_event(to, at, "[DONE]");
    return at + (size_t)sprintf(to + at, "0\r\n\r\n");
}

static int has(const char *body, size_t length, const char *tight, const char *spaced) {
    return memmem(body, length, tight, strlen(tight)) || memmem(body, length, spaced, strlen(spaced));
}

static int send_all(int fd, const char *data, size_t length) {
    while (length) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent <= 0) return 0;
        data += sent;
        length -= (size_t)sent;
    }
    return 1;
}

static int answer(int fd, const char *body, size_t length) {
    if (!has(body, length, "\"stream\":true", "\"stream\": true")) return send_all(fd, whole, whole_length);
    if (has(body, length, "\"include_usage\":true", "\"include_usage\": true"))
        return send_all(fd, streamed_usage, streamed_usage_length);
    return send_all(fd, streamed, streamed_length);
}

static void *serve(void *argument) {
    int fd = (int)(long)argument, on = 1;
    char *buffer = malloc(ROOM + 1);
    size_t have = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (;;) {
        char *end = have ? memmem(buffer, have, "\r\n\r\n", 4) : NULL;
        size_t need = 0;
        if (end) {
            *end = 0;
            char *field = strcasestr(buffer, "content-length:");
            *end = '\r';
            need = (size_t)(end + 4 - buffer) + (field ? strtoul(field + 15, NULL, 10) : 0);
            if (need > ROOM) break;
        }
        if (end && have >= need) {
            size_t head = (size_t)(end + 4 - buffer);
            if (!answer(fd, buffer + head, need - head)) break;
            memmove(buffer, buffer + need, have - need);
            have -= need;
            continue;
        }
        ssize_t got = have < ROOM ? recv(fd, buffer + have, ROOM - have, 0) : 0;
        if (got <= 0) break;
        have += (size_t)got;
        buffer[have] = 0;
    }
    free(buffer);
    close(fd);
    return NULL;
}

static void *until_input_ends(void *argument) {
    char rest[64];
    while (read(0, rest, sizeof rest) > 0) {}
    exit(0);
    return argument;
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;
    make_whole();
    streamed_length = make_stream(streamed, 0);
    streamed_usage_length = make_stream(streamed_usage, 1);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 512)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    pthread_create(&thread, NULL, until_input_ends, NULL);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && !pthread_create(&thread, NULL, serve, (void *)(long)fd)) pthread_detach(thread);
    }
}
