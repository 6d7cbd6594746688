# Jenkins' inbound agent: what the pipelines' make targets need, and Java for agent.jar, which it downloads from the controller.
# Built from the top of the repository: docker build --file jenkins/agent.Dockerfile .
ARG AGENT_BASE=python:3.11-slim-trixie
FROM ${AGENT_BASE}

ARG JAVA_PACKAGE=openjdk-21-jre-headless
ARG DOCKER_PACKAGES="docker-cli docker-buildx"
# For the tests: a database server, a browser, a load generator, the pipelines' language, the edge.
ARG TEST_PACKAGES="chromium chromium-driver groovy haproxy postgresql wrk"
# Java's package links its manual pages, into a folder that slim images leave out.
RUN mkdir -p /usr/share/man/man1 && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        ca-certificates curl git libgomp1 make procps tini \
        ${JAVA_PACKAGE} ${DOCKER_PACKAGES} ${TEST_PACKAGES} \
    && rm -rf /var/lib/apt/lists/*

# uv makes the environment of every build; version and hash are the lock's.
COPY requirements/uv.txt /tmp/uv.txt
RUN python3 -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --require-hashes --requirement /tmp/uv.txt \
    && ln -s /opt/uv/bin/uv /usr/local/bin/uv && rm /tmp/uv.txt

# git and docker look the user up in passwd, and write below HOME.
RUN groupadd --gid 1000 jenkins && useradd --uid 1000 --gid 1000 --create-home --shell /bin/sh jenkins \
    && mkdir /home/jenkins/agent /home/jenkins/.cache /home/jenkins/.docker && chown -R jenkins:jenkins /home/jenkins
COPY jenkins/agent.sh /usr/local/bin/swarmline-agent
USER jenkins
ENV HOME=/home/jenkins LANG=C.UTF-8
WORKDIR /home/jenkins
ENTRYPOINT ["tini", "--", "swarmline-agent"]
