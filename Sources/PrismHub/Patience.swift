import Foundation

/// A failure that may pass by itself, so that another try is worth while.
struct PassingFailure: Error {
    let reason: String
    /// How long the server asked to be left alone.
    var wait: Duration = .zero
}

/// How long a server that fails is borne with.
package struct Patience: Sendable {
    /// Tries in a row that bring nothing new.
    package var tries = 5
    /// The wait after the first of them; it doubles each time.
    package var delay: Duration = .seconds(1)
    /// The longest wait that a server may ask for.
    package var longestWait: Duration = .seconds(60)
    /// Without a byte for so long, a connection counts as lost.
    package var silence: Duration = .seconds(30)

    /// Does the work until it succeeds. - reached: how far it is; a try that gets further than all before makes up for them.
    /// - Throws: the last `PassingFailure`, and at once whatever else the work throws.
    func persist<R>(reached: () -> Int = { 0 }, _ work: () throws -> R) throws -> R {
        var (failures, furthest) = (0, reached())
        while true {
            do { return try work() } catch let failure as PassingFailure {
                let now = reached()
                failures = now > furthest ? 1 : failures + 1
                furthest = max(furthest, now)
                guard failures < tries else { throw failure }
                let end = ContinuousClock.now + min(max(delay * (1 << (failures - 1)), failure.wait), longestWait)
                while ContinuousClock.now < end {
                    try ModelHub.checkInterrupt()
                    usleep(20_000)
                }
            }
        }
    }
}
