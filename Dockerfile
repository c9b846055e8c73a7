# The dashboard in a container. docs/deploy.md says how to run it behind a log-in.
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY workbench workbench
COPY pages pages
COPY .streamlit .streamlit
RUN python -m venv /opt/workbench \
 && /opt/workbench/bin/pip install --no-cache-dir -c constraints.txt ".[sign-in]"

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 workbench \
 && install -d -o workbench -g workbench -m 700 /home/workbench/runs
COPY --from=build /opt/workbench /opt/workbench
USER workbench
WORKDIR /home/workbench
ENV PATH=/opt/workbench/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PORT=8501 \
    WORKBENCH_DATA=sample \
    WORKBENCH_RUNS=/home/workbench/runs
VOLUME /home/workbench/runs
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=40s \
  CMD ["sh", "-c", "exec python -c \"import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/_stcore/health', timeout=4)\""]
# Streamlit reads its settings from the folder that it runs in: that of the pages.
CMD ["sh", "-c", "cd \"$(python -c 'from workbench.cli.dashboard import router; print(router().parent)')\" && exec python -m streamlit run app.py --server.address=0.0.0.0 --server.port=$PORT --server.headless=true --browser.serverAddress=localhost"]
