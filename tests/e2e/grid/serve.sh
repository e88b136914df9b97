# Runs XRootD as /run/xrootd/mode says, or not at all, and again when it was ended: the pod stays whatever happens.
mkdir -p /data/lake
while :; do
    mode=$(cat /run/xrootd/mode 2>/dev/null || echo sound)
    if [ "$mode" = down ]; then
        sleep 0.1
        continue
    fi
    mkdir -p /run/xrootd/tls
    install -m 0400 "/etc/tls/$(cat /run/xrootd/certificate 2>/dev/null || echo good)"/* /run/xrootd/tls/
    xrootd -c "/etc/origin/$mode.cfg" >> /run/xrootd/log 2>&1 &
    echo $! > /run/xrootd/pid
    wait $!
    sleep 0.1
done
