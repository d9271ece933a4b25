/// Where the time of training steps goes.
package final class StepProfile {
    /// Seconds by part, in the order in which a step first came to them.
    package private(set) var parts: [(name: String, seconds: Double)] = []
    private let clock = ContinuousClock()
    private var last: ContinuousClock.Instant

    package init() { last = clock.now }

    /// What comes now is not a step's.
    package func resume() { last = clock.now }

    /// What was done since the last end was this part.
    func end(_ name: String) {
        let now = clock.now
        let seconds = (now - last) / .seconds(1)
        last = now
        if let place = parts.firstIndex(where: { $0.name == name }) {
            parts[place].seconds += seconds
        } else {
            parts.append((name, seconds))
        }
    }
}
